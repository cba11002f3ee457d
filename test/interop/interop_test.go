package interop

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"

	"facet/credentials/claims"
)

var (
	count    = flag.Int("n", 0, "random credentials each way and peer; 0: 150, or 1000 with FACET_SOAK=1")
	seedFlag = flag.Uint64("seed", 0, "seed of the random credentials; 0: a new one, printed")
	onlyFlag = flag.Int("only", -1, "the one credential to try")
)

const (
	usualCount = 150
	fullCount  = 1000
)

// scripted is the JavaScript peer, one process for all tests, and started what
// to stop at the end.
var (
	started  *scriptPeer
	scripted = sync.OnceValues(func() (p *scriptPeer, err error) {
		started, err = newScriptPeer()
		return started, err
	})
)

func TestMain(m *testing.M) {
	flag.Parse()
	if *seedFlag == 0 {
		*seedFlag = rand.Uint64()
	}
	if *count == 0 {
		*count = usualCount
		if os.Getenv("FACET_SOAK") == "1" {
			*count = fullCount
		}
	}
	code := m.Run()
	if started != nil {
		started.node.stop()
	}
	os.Exit(code)
}

func scriptPeerFor(t testing.TB) *scriptPeer {
	t.Helper()
	needNode(t)
	p, err := scripted()
	if err != nil {
		t.Fatalf("start peer.mjs: %v", err)
	}
	return p
}

// others are the peers, by the name their tests have.
var others = []struct {
	name string
	open func(testing.TB) peer
}{
	{"sd-jwt-js", func(t testing.TB) peer { return scriptPeerFor(t) }},
	{"go-sd-jwt", func(t testing.TB) peer {
		p, err := newGoPeer()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}},
}

// TestExchange issues each random credential from either side to either side;
// each side verifies it, shows a random part of it, and verifies what was shown.
// What was tampered with on the way both refuse.
func TestExchange(t *testing.T) {
	for _, other := range others {
		t.Run(other.name, func(t *testing.T) {
			us, err := newOurs()
			if err != nil {
				t.Fatal(err)
			}
			e := &exchange{us: us, them: other.open(t), seed: *seedFlag, refused: map[string]int{}}
			t.Logf("%d credentials each way, -seed=%d", *count, e.seed)
			for n := range *count {
				if *onlyFlag >= 0 && n != *onlyFlag {
					continue
				}
				e.try(t, random(e.seed, n, e.them.dialect()))
			}
			if *onlyFlag < 0 {
				e.checkCoverage(t)
			}
		})
	}
}

// An exchange is everything two peers do with one another.
type exchange struct {
	us      *ours
	them    peer
	seed    uint64
	refused map[string]int // times each tampering was refused by both
}

func (e *exchange) try(t *testing.T, s subject) {
	t.Helper()
	first := e.run(s)
	if first == nil {
		return
	}
	again := e.run(s)
	if again == nil {
		t.Fatalf("%v: once, and not again: %v", first, s)
	}
	s = shrink(s, func(s subject) bool { return e.run(s) != nil })
	t.Fatalf("%v\n(as drawn: %v)\nsmallest that fails: %v\nagain: test/scripts/interop -run '%s' -args -seed=%d -only=%d", e.run(s), first, s, t.Name(), e.seed, s.n)
}

func (e *exchange) run(s subject) error {
	sides := []peer{e.us, e.them}
	for _, issuer := range sides {
		for _, holder := range sides {
			if err := e.flow(s, issuer, holder); err != nil {
				return fmt.Errorf("issued by %s to %s: %w", issuer.dialect().name, holder.dialect().name, err)
			}
		}
	}
	return nil
}

func (e *exchange) flow(s subject, issuer, holder peer) error {
	credential, err := issuer.issue(s, holder.holder())
	if err != nil {
		return fmt.Errorf("issue: %w", err)
	}
	if err := e.bothRead(s.visible(s.everything()), credential, issuer, nil); err != nil {
		return fmt.Errorf("the credential: %w", err)
	}
	c := s.choose(e.seed, holder == e.us)
	b := binding{nonce: fmt.Sprintf("nonce-%d-%d", e.seed, s.n), audience: "x509_hash:interop"}
	presentation, err := holder.present(credential, issuer.issuer(), c, b)
	if err != nil {
		return fmt.Errorf("present: %w", err)
	}
	if err := e.bothRead(s.visible(c), presentation, issuer, &b); err != nil {
		return fmt.Errorf("the presentation: %w", err)
	}
	return e.bothRefuse(attempt{presentation: presentation, issuer: issuer.issuer(), binding: b}, holder == e.us, s.n)
}

// bothRead has each side verify and compares what it reads with the oracle's
// answer.
func (e *exchange) bothRead(want map[string]any, presentation string, issuer peer, b *binding) error {
	for _, verifier := range []peer{e.us, e.them} {
		payload, err := verifier.verify(presentation, issuer.issuer(), b)
		if err != nil {
			return fmt.Errorf("%s refuses: %w", verifier.dialect().name, err)
		}
		if payload["vct"] != vct {
			return fmt.Errorf("%s reads another vct", verifier.dialect().name)
		}
		got, expected := any(content(payload)), any(want)
		if !verifier.dialect().empty {
			got, expected = prune(got), prune(expected)
		}
		if !claims.Equal(got, expected) {
			return fmt.Errorf("%s reads other claims than were shown", verifier.dialect().name)
		}
	}
	return nil
}

// prune removes empty objects and arrays, from the inside out: go-sd-jwt drops
// most of them (see TestGoDropsEmpty).
func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, m := range v {
			if m = prune(m); !isEmpty(m) {
				out[name] = m
			}
		}
		return out
	case []any:
		out := []any{}
		for _, m := range v {
			if m = prune(m); !isEmpty(m) {
				out = append(out, m)
			}
		}
		return out
	}
	return v
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// bothRefuse tampers with a presentation in some ways and demands that each
// side refuses each of them. mine: the presentation is bound by our holder, so
// that it can be bound again after tampering.
func (e *exchange) bothRefuse(a attempt, mine bool, n int) error {
	r := rand.New(rand.NewPCG(e.seed, uint64(n)))
	applied := 0
	for _, i := range r.Perm(len(twists)) {
		tw := twists[i]
		if tw.rebind != mine && tw.rebind {
			continue
		}
		bad, ok := tw.apply(a, e.us)
		if !ok {
			continue
		}
		for _, verifier := range []peer{e.us, e.them} {
			_, err := verifier.verify(bad.presentation, bad.issuer, &bad.binding)
			switch {
			case err == nil:
				return fmt.Errorf("%s accepts: %s", verifier.dialect().name, tw.name)
			case errors.Is(err, errPanic):
				return fmt.Errorf("%s panics: %s: %w", verifier.dialect().name, tw.name, err)
			case !isRefusal(err):
				return fmt.Errorf("%s breaks: %s: %w", verifier.dialect().name, tw.name, err)
			}
		}
		e.refused[tw.name]++
		if applied++; applied == tamperings {
			break
		}
	}
	return nil
}

// isRefusal tells a verifier's no from something that broke.
func isRefusal(err error) bool {
	var theirs *errPeer
	var mine interface{ Reason() string }
	return errors.As(err, &theirs) || errors.As(err, &mine)
}

// checkCoverage makes sure that no tampering stayed untried.
func (e *exchange) checkCoverage(t *testing.T) {
	if *count < usualCount {
		return
	}
	var rare []string
	total := 0
	for _, tw := range twists {
		total += e.refused[tw.name]
		if e.refused[tw.name] < 5 {
			rare = append(rare, tw.name)
		}
	}
	if slices.Sort(rare); len(rare) > 0 {
		t.Errorf("hardly tried: %v", rare)
	}
	t.Logf("%d tampered presentations refused by both, %d kinds", total, len(twists))
	if script, ok := e.them.(*scriptPeer); ok {
		t.Logf("%d presentations of %s bound in two steps (TestScriptPresentsDeepOnce)", script.byHand, script.dialect().name)
	}
}
