package verifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"facet/audit"
	"facet/policy"
	"facet/store"
)

// compiled is a policy and what follows from it alone, worked out when it is
// first used: with ten thousand platforms most policies rest.
type compiled struct {
	*policy.Compiled
	policy    *policy.Policy
	hash      string
	asked     audit.Asked  // without the flow
	ready     func() error // call it before reading Compiled or asked
	published atomic.Bool  // its entry is known to be in the log
}

func newCompiled(platformName string, p *policy.Policy) *compiled {
	c := &compiled{policy: p, hash: p.Hash()}
	c.ready = sync.OnceValue(func() error { return c.compile(platformName) })
	return c
}

func (c *compiled) compile(platformName string) (err error) {
	p := c.policy
	if c.Compiled, err = policy.Compile(p); err != nil {
		return fmt.Errorf("policy %s: %w", p.ID, err)
	}
	paths := make(audit.Paths, len(c.Query.Credentials))
	for _, q := range c.Query.Credentials {
		list := make([]string, len(q.Claims))
		for i, claim := range q.Claims {
			list[i] = claim.Path.String()
		}
		paths[q.ID] = list
	}
	c.asked = audit.Asked{
		Platform:  platformName,
		Policy:    audit.PolicyRef{ID: p.ID, Version: uint32(p.Version), SHA256: c.hash},
		Purpose:   p.Purpose,
		Retention: p.Retention,
		Paths:     paths,
	}
	return nil
}

func (c *compiled) askedIn(flow audit.Flow) audit.Asked {
	a := c.asked
	a.Flow = flow
	return a
}

// append encodes and sequences an entry. The same entry may be appended any
// number of times.
func (v *Verifier) append(ctx context.Context, e audit.Entry) (uint64, error) {
	leaf, err := audit.Encode(e)
	if err != nil {
		return 0, err
	}
	return v.appendLeaf(ctx, e.Common().ID, leaf)
}

func (v *Verifier) appendLeaf(ctx context.Context, id audit.ID, leaf []byte) (uint64, error) {
	index, err := v.cfg.Log.Append(ctx, string(id), leaf)
	if err != nil {
		return 0, unavailable("append "+string(id)+" to the log", err)
	}
	return index, nil
}

// A published record says that a policy entry is in the log, or about to be:
// its leaf must not change once somebody may have appended it.
type published struct {
	Leaf []byte `json:"leaf"`
	Done bool   `json:"done,omitempty"`
}

// publish makes sure the policy's entry is in the log before it is first used.
func (v *Verifier) publish(ctx context.Context, p *platform, c *compiled, now time.Time) error {
	if c.published.Load() {
		return nil
	}
	key := "policy/" + p.ID + "/" + c.hash
	id := v.ids.entry(audit.KindPolicy, p.ID+"/"+c.hash)
	leaf, err := audit.Encode(audit.NewPolicy(id, now, c.asked, c.policy.Canonical()))
	if err != nil {
		return err
	}
	record, version, err := v.publication(ctx, key, published{Leaf: leaf})
	if err != nil {
		return unavailable("record policy", err)
	}
	if !record.Done {
		if _, err := v.appendLeaf(ctx, id, record.Leaf); err != nil {
			return err
		}
		raw, err := json.Marshal(published{Leaf: record.Leaf, Done: true})
		if err != nil {
			return err
		}
		if _, err = v.cfg.Store.Swap(ctx, key, version, raw); err != nil && !errors.Is(err, store.ErrConflict) {
			return unavailable("record policy", err)
		}
	}
	c.published.Store(true)
	return nil
}

// publication returns the stored record, storing first if there is none.
func (v *Verifier) publication(ctx context.Context, key string, first published) (published, store.Version, error) {
	raw, err := json.Marshal(first)
	if err != nil {
		return first, 0, err
	}
	version, err := v.cfg.Store.Swap(ctx, key, 0, raw)
	if err == nil || !errors.Is(err, store.ErrConflict) {
		return first, version, err
	}
	raw, version, err = v.cfg.Store.Get(ctx, key)
	if err != nil {
		return first, 0, err
	}
	var record published
	err = json.Unmarshal(raw, &record)
	return record, version, err
}

const keyWeakenings = "weakenings"

// weakenings are the Insecure… fields that are set somewhere, sorted.
func (v *Verifier) weakenings(platforms map[string]*platform) []string {
	set := map[string]bool{"InsecureLoopback": v.cfg.InsecureLoopback}
	for _, p := range platforms {
		set["InsecureUnencrypted"] = set["InsecureUnencrypted"] || p.InsecureUnencrypted
		set["InsecureUnsigned"] = set["InsecureUnsigned"] || p.InsecureUnsigned
		set["InsecureFragment"] = set["InsecureFragment"] || p.InsecureFragment
	}
	maps.DeleteFunc(set, func(_ string, on bool) bool { return !on })
	return append([]string{}, slices.Sorted(maps.Keys(set))...)
}

// logWeakenings writes a config entry when the weakenings in force differ from
// those last logged. A crash in between repeats the entry, which is harmless.
func (v *Verifier) logWeakenings(ctx context.Context, platforms map[string]*platform) error {
	names := v.weakenings(platforms)
	raw, version, err := v.cfg.Store.Get(ctx, keyWeakenings)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	last := []string{}
	if err == nil {
		if err := json.Unmarshal(raw, &last); err != nil {
			return err
		}
	}
	if slices.Equal(names, last) {
		return nil
	}
	if _, err := v.append(ctx, audit.NewConfig(audit.NewID(), v.cfg.Now(), names)); err != nil {
		return err
	}
	if raw, err = json.Marshal(names); err != nil {
		return err
	}
	if _, err = v.cfg.Store.Swap(ctx, keyWeakenings, version, raw); errors.Is(err, store.ErrConflict) {
		return nil // another process logged the same
	}
	return err
}
