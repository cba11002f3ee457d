package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"facet/credentials"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/credentials/statuslist"
	"facet/fetch"
	"facet/policy"
)

// A registrationFile is a registration certificate and the file it came from.
type registrationFile struct {
	file  string
	stamp fileStamp
	ends  time.Time
}

// readRegistration reads one registration certificate.
func readRegistration(file string) (compact string, reg openid4vp.Registration, err error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", reg, err
	}
	compact = strings.TrimSpace(string(raw))
	u, err := openid4vp.ParseRegistration(compact)
	if err != nil {
		return "", reg, err
	}
	return compact, u.Unverified(), u.CheckSignature()
}

// addRegistrations reads a platform's registration certificates and compares its
// policies with them: what the verifier would refuse is found before it starts.
func (c *verifierConfig) addRegistrations(out *platformSetup, files []string, area string, now time.Time) (found []finding) {
	var all []openid4vp.Registration
	for _, name := range files {
		compact, reg, err := readRegistration(c.path(name))
		if err == nil {
			err = reg.CheckTimes(now)
		}
		if err != nil {
			found = append(found, bad(area, "registration "+name+": "+err.Error(), "It is a JWT of type rc-wrp+jwt as the registrar gave it, in a file of its own."))
			continue
		}
		if left := reg.ExpiresAt.Sub(now); left < renewBefore {
			found = append(found, warn(area, fmt.Sprintf("registration %s ends on %s", name, day(reg.ExpiresAt)), "Get a new one from the registrar and replace the file; it is picked up by itself."))
		}
		all = append(all, reg)
		out.Registrations = append(out.Registrations, compact)
		out.registered = append(out.registered, registrationFile{c.path(name), stampOfFile(c.path(name)), reg.ExpiresAt})
	}
	if len(all) < len(files) {
		return found // what they would have covered is not known
	}
	for _, p := range out.Policies {
		if err := covered(p, all); err != nil {
			found = append(found, bad(area, fmt.Sprintf("policy %s, version %d: %v", p.ID, p.Version, err), "Ask for less, or register the use. `facet policy lint --registration FILE` says the same before you deploy."))
		}
	}
	return found
}

// client is who the platform is to wallets.
func (p *platformSetup) client() (openid4vp.ClientID, error) {
	owner, _, _ := strings.Cut(p.Kid, "#")
	switch p.Prefix {
	case openid4vp.PrefixDID:
		return openid4vp.ClientID{Prefix: p.Prefix, ID: owner}, nil
	case "", openid4vp.PrefixX509Hash, openid4vp.PrefixX509SANDNS:
		return openid4vp.ClientID{Prefix: openid4vp.PrefixX509Hash, ID: jose.LeafHash(p.X5C)}, nil
	}
	return openid4vp.ClientID{}, errors.New("unsigned requests have no client of their own")
}

// reregistered reports whether a registration certificate was replaced.
func (p *platformSetup) reregistered() bool {
	for _, r := range p.registered {
		if now := stampOfFile(r.file); now != r.stamp && now != (fileStamp{}) {
			return true
		}
	}
	return false
}

// readRegistrations reads the certificates again.
func (p *platformSetup) readRegistrations() ([]string, error) {
	var out []string
	for i := range p.registered {
		r := &p.registered[i]
		r.stamp = stampOfFile(r.file)
		compact, reg, err := readRegistration(r.file)
		if err != nil {
			return nil, fmt.Errorf("registration %s: %w", r.file, err)
		}
		r.ends, out = reg.ExpiresAt, append(out, compact)
	}
	return out, nil
}

// registrationEnds is when the first of them does; zero without any.
func (p *platformSetup) registrationEnds() (first time.Time) {
	for _, r := range p.registered {
		if first.IsZero() || r.ends.Before(first) {
			first = r.ends
		}
	}
	return first
}

// covered reports what the registration that fits best does not cover.
func covered(p *policy.Policy, all []openid4vp.Registration) error {
	if len(all) == 0 {
		return nil
	}
	compiled, err := policy.Compile(p)
	if err != nil {
		return nil // lint has said so
	}
	var best *openid4vp.OveraskingError
	for i := range all {
		err := all[i].Covers(compiled.Query, p.Purpose)
		var over *openid4vp.OveraskingError
		if !errors.As(err, &over) {
			return err
		}
		if best == nil || len(over.Beyond) < len(best.Beyond) {
			best = over
		}
	}
	return best
}

func stampOfFile(name string) fileStamp {
	fi, err := os.Stat(name)
	if err != nil {
		return fileStamp{}
	}
	return stampOf(fi)
}

// trustLists reads each trust list once, however many platforms share it.
type trustLists map[string]*credentials.TrustList

func (t trustLists) read(file string) (*credentials.TrustList, error) {
	file = filepath.Clean(file)
	if list := t[file]; list != nil {
		return list, nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	list, err := credentials.ParseTrustList(raw)
	if err == nil {
		t[file] = list
	}
	return list, err
}

// addTrust gives a platform a trust list of its own, if it names one.
func (c *verifierConfig) addTrust(s *verifierSetup, out *platformSetup, file, area string) (found []finding) {
	out.trust = s.trust
	if file != "" {
		list, err := s.lists.read(c.path(file))
		if err != nil {
			return []finding{bad(area, "trust "+file+": "+err.Error(), "Put the trust list of this platform's issuers there, or leave trust out.")}
		}
		out.trust, out.Trust = list, list
	}
	if out.trust != nil && out.trust.KnowsRegistrars() {
		out.Registrars = out.trust
	}
	return nil
}

// checkers makes a checker of status lists for each trust list: whose lists count
// is as much a matter of trust as whose credentials do.
type checkers struct {
	fetch fetch.Fetcher
	made  map[*credentials.TrustList]*statuslist.Checker
}

func (c *checkers) of(list *credentials.TrustList) (*statuslist.Checker, error) {
	if have := c.made[list]; have != nil {
		return have, nil
	}
	made, err := statuslist.NewChecker(statuslist.Config{Fetch: c.fetch, Keys: list})
	if err == nil {
		c.made[list] = made
	}
	return made, err
}
