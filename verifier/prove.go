package verifier

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"facet/credentials/did"
	"facet/credentials/openid4vp"
	"facet/fetch"
)

// proveAtOnce is how many DID documents are looked up at the same time.
const proveAtOnce = 16

// checkMethod checks how a verification method is written. Reason did_malformed.
func checkMethod(kid string) error {
	owner, fragment, _ := strings.Cut(kid, "#")
	if !strings.HasPrefix(owner, "did:") || fragment == "" {
		return fail("did_malformed", "the verification method must be a DID and, after #, the name of its key")
	}
	return nil
}

// prove resolves the verification method and compares its key with the one that
// will sign: a wallet would find out otherwise. Reasons: did_key_mismatch and
// those of the resolver.
func (p *platform) prove(ctx context.Context, s *signing) error {
	if s.proven {
		return nil
	}
	var resolver openid4vp.KeyResolver = did.SelfContained()
	if p.around.DIDs != nil {
		resolver = p.around.DIDs
	}
	key, err := resolver.Resolve(ctx, s.Kid)
	if err != nil {
		return &Error{reason: reasonOf(err, "did_unresolved"), err: err}
	}
	if !key.Equal(s.Signer.Public()) {
		return fail("did_key_mismatch", "%s has another key than the one that signs", didOf(s.Kid))
	}
	s.proven = true
	return nil
}

// away reports whether a document could not be fetched, which may be otherwise
// in a moment, and not that there is a wrong one.
func away(err error) bool {
	switch reasonOf(err, "") {
	case fetch.ReasonNetwork, fetch.ReasonLimit, fetch.ReasonStatus, fetch.ReasonContentType, fetch.ReasonRedirect:
		return true
	}
	return false
}

// proved notes that s is proven wherever the platform has it.
func (p *platform) proved(s *signing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.identities {
		if have := &p.identities[i]; s.proven && have.same(s) {
			have.proven = true
		}
	}
}

// proveAll proves what is not proven yet, newest first, and returns the first
// error.
func (p *platform) proveAll(ctx context.Context) (first error) {
	p.mu.RLock()
	all := slices.Clone(p.identities)
	p.mu.RUnlock()
	for i := range all {
		err := p.prove(ctx, &all[i])
		p.proved(&all[i])
		if first == nil {
			first = err
		}
	}
	return first
}

// proveEach proves the identities of platforms, some at a time, and returns what
// kept it from doing so, by platform.
func proveEach(ctx context.Context, platforms map[string]*platform) map[string]error {
	var mu sync.Mutex // guards failed
	failed := map[string]error{}
	var all sync.WaitGroup
	turns := make(chan struct{}, proveAtOnce)
	for id, p := range platforms {
		if p.Prefix != openid4vp.PrefixDID {
			continue
		}
		turns <- struct{}{}
		all.Go(func() { // ends before proveEach does
			defer func() { <-turns }()
			if err := p.proveAll(ctx); err != nil {
				mu.Lock()
				failed[id] = err
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return failed
}

// proveAtStart refuses platforms whose DID document is there and says something
// else; documents that cannot be fetched are waited for.
func proveAtStart(ctx context.Context, platforms map[string]*platform) error {
	failed := proveEach(ctx, platforms)
	for _, id := range slices.Sorted(maps.Keys(failed)) {
		if err := failed[id]; !away(err) {
			return fmt.Errorf("platform %q: %w", id, err)
		}
	}
	return ctx.Err()
}

// Prove looks up the DID documents that could not be fetched when identities
// were taken, and returns what keeps platforms from using their newest one.
// Call it every few seconds; it asks nobody about identities that are proven.
func (v *Verifier) Prove(ctx context.Context) map[string]error {
	return proveEach(ctx, *v.platforms.Load())
}

// Unavailable are the platforms for which nothing can begin because none of
// their identities is proven, in order.
func (v *Verifier) Unavailable() (ids []string) {
	for id, p := range *v.platforms.Load() {
		if !p.current().proven {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// errUnproven is why Begin refuses.
func (s *signing) errUnproven() error {
	if s.proven {
		return nil
	}
	return &Error{reason: ReasonPlatformUnavailable, err: errors.New("the DID document was not seen yet: wallets could not tell who asks")}
}
