package credentials

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"facet/credentials/jose"
)

// Registrar implements Registrars: the chain must end in an anchor of the list's
// registrars and the leaf must be the one an entry describes. The anchor itself
// may stand at its end, as no standard forbids here; it proves nothing. Reasons:
// registrar_unknown, jose's for chains.
func (l *TrustList) Registrar(_ context.Context, x5c []string, now time.Time) (*Registrar, error) {
	if len(l.registrars) == 0 {
		return nil, fail("registrar_unknown", "the trust list names no registrar")
	}
	if last := len(x5c) - 1; last > 0 && l.isRegistrarAnchor(x5c[last]) {
		x5c = x5c[:last]
	}
	chain, err := jose.VerifyChain(x5c, jose.ChainRule{Anchors: l.registrarAnchors, CRLs: l.crls, Now: now})
	if err != nil {
		return nil, untrusted(err, "registrar_unknown", "no registrar's anchor signed this chain")
	}
	for i := range l.registrars {
		if e := &l.registrars[i]; e.vouches(chain) {
			return &Registrar{Key: chain.Key, ID: e.id, Name: plainName(e.names), Names: e.names, StopsOverasking: e.stops}, nil
		}
	}
	return nil, fail("registrar_unknown", "nobody of the trust list registers verifiers under this certificate")
}

// KnowsRegistrars reports whether the list names any registrar.
func (l *TrustList) KnowsRegistrars() bool { return len(l.registrars) > 0 }

func (l *TrustList) isRegistrarAnchor(encoded string) bool {
	return slices.ContainsFunc(l.registrarAnchors, func(c *x509.Certificate) bool {
		return base64.StdEncoding.EncodeToString(c.Raw) == encoded
	})
}

// registrars reads the registrars of verifiers, if there are any.
func (r *listReader) registrars(o map[string]any) []registrarEntry {
	if _, present := o["registrars"]; !present {
		return nil
	}
	var out []registrarEntry
	for _, e := range r.objects(o, "registrars", MaxRegistrars) {
		entry := registrarEntry{id: r.text(e, "id"), names: r.localized(e, "name"), subject: r.subject(e)}
		if beyond, present := e["overasking"]; present {
			if entry.stops = beyond == "stop"; !entry.stops && beyond != "warn" {
				r.fail("overasking")
			}
		}
		out = append(out, entry)
	}
	return out
}

// did reads the DID a verifier is known by, and refuses a certificate beside it:
// one entry is one way to be known.
func (r *listReader) did(o map[string]any) string {
	did := r.text(o, "did")
	_, anchor := o["anchor"]
	_, leaf := o["leaf"]
	if anchor || leaf || !strings.HasPrefix(did, "did:") || strings.ContainsAny(did, "#?/ ") {
		r.fail("did")
	}
	return did
}
