package hostile

import (
	"context"
	"path"
	"path/filepath"
	"testing"
	"time"

	"facet/audit"
	"facet/credentials/openid4vp"
	"facet/store"
	"facet/store/bolt"
	"facet/store/keyfile"
	"facet/store/postgres"
	"facet/store/storetest"
	"facet/verifier"
	"facet/verifier/auditlog"
)

const attempts = 100 // at once

// A backend is where engines keep things: many on one.
type backend struct {
	name        string
	store, keys store.Store
	rounds      int
}

// backends opens all there are, empty.
func backends(t *testing.T, part, full int) []backend {
	t.Helper()
	dir := t.TempDir()
	db, err := bolt.Open(filepath.Join(dir, "db"))
	check(t, err)
	t.Cleanup(func() { db.Close() })
	keys, err := keyfile.Open(keyfile.Config{Path: filepath.Join(dir, "keys")})
	check(t, err)
	t.Cleanup(func() { keys.Close() })
	out := []backend{
		inMemory(times(part, full)),
		{"bolt", db, keys, times(max(part/4, 1), full)},
	}
	url := storetest.StartPostgres(t).URL
	rows, err := postgres.Open(t.Context(), postgres.Config{URL: url})
	check(t, err)
	t.Cleanup(func() { rows.Close() })
	secrets, err := postgres.Open(t.Context(), postgres.Config{URL: url, Table: "facet_keys", Forget: keyfile.MaxDelay})
	check(t, err)
	t.Cleanup(func() { secrets.Close() })
	return append(out, backend{"postgres", rows, secrets, times(max(part/4, 1), full)})
}

func inMemory(rounds int) backend { return backend{"memory", store.Memory(), store.Memory(), rounds} }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// nodes are engines that race each other on one backend and one log.
type nodes struct {
	t       *testing.T
	w       *world
	clock   *clock
	log     *auditlog.Log
	engines []*verifier.Verifier
}

const baseURL = "http://verifier.localhost:8081"

func newNodes(t *testing.T, b backend, change ...func(i int, c *verifier.Config)) *nodes {
	t.Helper()
	log, err := auditlog.Open(t.Context(), auditlog.Config{Dir: t.TempDir(), Origin: "verifier.localhost/log", Interval: 100 * time.Millisecond})
	check(t, err)
	t.Cleanup(func() { log.Close() })
	n := &nodes{t: t, w: theWorld(), clock: &clock{}, log: log}
	for i := range 2 {
		c := n.w.config(b, log, baseURL, n.clock)
		for _, f := range change {
			f(i, &c)
		}
		v, err := verifier.New(t.Context(), c)
		check(t, err)
		n.engines = append(n.engines, v)
	}
	return n
}

func (w *world) config(b backend, log *auditlog.Log, base string, c *clock) verifier.Config {
	return verifier.Config{
		Store: b.store, Keys: b.keys, Log: log, Trust: w.trust, Now: c.Now, BaseURL: base, InsecureLoopback: true,
		LogInfo: openid4vp.LogInfo{Origin: log.Origin(), Key: log.VKey(), URL: base + "/log/"},
		Platforms: []verifier.Platform{{
			ID: platformID, Name: "Morgenblatt", ReturnURIs: []string{returnURI}, Signer: w.news.key, X5C: w.news.x5c, Policies: w.policies,
			Wallets: []verifier.Wallet{{Name: "Facet", URL: "http://wallet.localhost:8080"}},
		}},
	}
}

// node is the engine of the ith attempt: they take turns.
func (n *nodes) node(i int) *verifier.Verifier { return n.engines[i%len(n.engines)] }

func (n *nodes) begin(v *verifier.Verifier, key string) (*verifier.Begun, error) {
	return v.Begin(n.t.Context(), verifier.BeginRequest{Platform: platformID, Policy: "access", Flow: audit.SameDevice, ReturnURI: returnURI, IdempotencyKey: key})
}

// open fetches the request from one of the nodes and signs the answer.
func (n *nodes) open(b *verifier.Begun) *request {
	n.t.Helper()
	jar, err := n.node(1).RequestObject(n.t.Context(), path.Base(b.RequestURI), "")
	check(n.t, err)
	r, err := n.w.open(b.ID, b.ClientID, jar, n.clock.Now())
	check(n.t, err)
	return r
}

// A book is what the log says, entries counted by their kind and what they
// refer to.
type book struct {
	requests, answered, closed, withdrawals, erasures, retentions map[uint64]int
	duplicates                                                    uint64
}

// read verifies the whole log once it has a checkpoint over the last entry.
func (n *nodes) read() book {
	n.t.Helper()
	ctx := context.Background()
	id := audit.NewID() // of an entry to wait for
	leaf, err := audit.Encode(audit.NewConfig(id, time.Now(), []string{}))
	check(n.t, err)
	last, err := n.log.Append(ctx, string(id), leaf)
	check(n.t, err)
	_, err = n.log.ReceiptProof(ctx, last)
	check(n.t, err)
	c, err := n.log.Checkpoint(ctx)
	check(n.t, err)
	b := book{map[uint64]int{}, map[uint64]int{}, map[uint64]int{}, map[uint64]int{}, map[uint64]int{}, map[uint64]int{}, 0}
	report, err := audit.Verify(ctx, n.log.Source(), c, func(i uint64, e audit.Entry, _ []byte) {
		switch e := e.(type) {
		case *audit.Request:
			b.requests[i]++
		case *audit.Result:
			if b.closed[e.Ref]++; e.Outcome == audit.Answered {
				b.answered[e.Ref]++
			}
		case *audit.Withdrawal:
			b.withdrawals[e.Ref]++
		case *audit.Erasure:
			b.erasures[e.Ref]++
		case *audit.Retention:
			b.retentions[e.Ref]++
		}
	})
	check(n.t, err)
	if !report.OK() {
		n.t.Fatalf("the log: %v", report.Err())
	}
	b.duplicates = report.Duplicates
	return b
}

// wantOnce fails unless every count is one and there are so many.
func wantOnce(t *testing.T, what string, counts map[uint64]int, many int) {
	t.Helper()
	if len(counts) != many {
		t.Errorf("%d %s in the log, want %d", len(counts), what, many)
	}
	for at, n := range counts {
		if n != 1 {
			t.Errorf("%d %s of entry %d", n, what, at)
		}
	}
}
