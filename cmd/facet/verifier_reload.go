package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"time"

	"facet/credentials"
	"facet/credentials/statuslist"
	"facet/fetch"
	"facet/verifier"
	"facet/verifier/server"
)

// A source is what a running configuration was read from: the files (but for
// identities and registrations, which are picked up one by one) as they were
// before they were read, and when the next of its secrets ends.
type source struct {
	file   string
	stamps map[string]fileStamp
	next   time.Time // zero: none does
}

// readSetup reads a configuration file and all it names.
func readSetup(file string, now time.Time) (*verifierConfig, verifierSetup, []finding) {
	before := map[string]fileStamp{file: stampOfFile(file)}
	c, found := readVerifierConfig(file)
	for _, name := range c.files() {
		before[name] = stampOfFile(name)
	}
	s, more := c.resolve(now)
	s.source = source{file, before, s.source.next}
	return c, s, append(found, more...)
}

// files are those the configuration names, but for identities and registrations.
func (c *verifierConfig) files() (names []string) {
	if c.Trust != "" {
		names = append(names, c.path(c.Trust))
	}
	for _, p := range c.Platforms {
		for _, name := range p.Policies {
			names = append(names, c.path(name))
		}
		for _, name := range p.Also {
			names = append(names, c.path(name))
		}
		if p.Trust != "" {
			names = append(names, c.path(p.Trust))
		}
		if p.Webhook != nil {
			names = append(names, c.path(p.Webhook.SecretFile))
		}
	}
	return names
}

// changed reports whether a file was replaced or a secret has ended. A file that
// is gone for a moment is about to be replaced.
func (s *source) changed(now time.Time) bool {
	if !s.next.IsZero() && !now.Before(s.next) {
		return true
	}
	for name, stamp := range s.stamps {
		if fi, err := os.Stat(name); err == nil && stampOf(fi) != stamp {
			return true
		}
	}
	return false
}

// reload takes over a changed configuration, as a whole or not at all. What is
// wrong with it is logged once, all of it; the old one stays in force.
func (n *verifierNode) reload(ctx context.Context) {
	_, s, found := readSetup(n.setup.source.file, n.now())
	found = append(found, s.fixedLike(n.setup)...)
	err := problems(found)
	if err == nil {
		err = n.apply(ctx, s)
	}
	var away interface{ Reason() string }
	switch {
	case err == nil:
		n.logger.Info("configuration reloaded", "platforms", len(s.platforms))
	case errors.As(err, &away) && away.Reason() == verifier.ReasonUnavailable:
		n.logger.Error("configuration not reloaded yet", "error", err) // store or log; the next look tries again
	default:
		n.setup.source.stamps, n.setup.source.next = s.source.stamps, s.source.next
		n.logger.Error("configuration not reloaded: the old one stays in force", "error", err)
	}
}

// fixedLike says what a running verifier cannot change.
func (s verifierSetup) fixedLike(old verifierSetup) (found []finding) {
	for _, f := range []struct{ name, old, new string }{
		{"url", old.baseURL, s.baseURL}, {"store", old.dir + old.database, s.dir + s.database}, {"log_origin", old.origin, s.origin},
		{"log", old.logURL, s.logURL},
	} {
		if f.old != f.new {
			found = append(found, bad(f.name, "it cannot change while the verifier runs", "Restart it."))
		}
	}
	if s.insecureLoopback != old.insecureLoopback {
		found = append(found, bad("insecure_loopback", "it cannot change while the verifier runs", "Restart it."))
	}
	return found
}

func (n *verifierNode) apply(ctx context.Context, s verifierSetup) error {
	platforms, err := n.platforms(s)
	if err != nil {
		return err
	}
	if err := n.engine.Reconfigure(ctx, platforms); err != nil {
		return err
	}
	n.setup = s
	return n.server.Admit(s.callers())
}

// platforms are the setup's, each with its trust list and the checker of status
// lists that goes with it.
func (n *verifierNode) platforms(s verifierSetup) ([]verifier.Platform, error) {
	lists := &checkers{n.fetch, map[*credentials.TrustList]*statuslist.Checker{}}
	out := make([]verifier.Platform, 0, len(s.platforms))
	for _, p := range s.platforms {
		status, err := lists.of(p.trust)
		if err != nil {
			return nil, err
		}
		p.Trust, p.Status = p.trust, status
		out = append(out, p.Platform)
		n.noteEnds(&p)
	}
	return out, nil
}

// callers are who may call, from where and how often.
func (s verifierSetup) callers() server.Callers {
	return server.Callers{APIKeys: s.keys, Limits: s.limits, Each: maps.Clone(s.each), TrustedProxies: s.proxies}
}

// outside makes the client for what others name; wallets wait for its answers.
func outside(s verifierSetup) fetch.Fetcher {
	return fetch.New(fetch.Config{InsecureLoopback: s.insecureLoopback})
}
