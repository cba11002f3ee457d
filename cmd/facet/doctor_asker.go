package main

import (
	"context"
	"fmt"

	"facet/credentials/openid4vp"
	"facet/fetch"
)

// did looks the platform's key up as a wallet would.
func (d *doctor) did(ctx context.Context, area string, p platformSetup) []finding {
	if p.Signer == nil {
		return nil // resolve has said why
	}
	const mend = "Publish the key in the DID document, under assertionMethod or authentication, before requests are signed with it."
	resolver, err := didResolver(fetch.New(fetch.Config{InsecureLoopback: d.s.insecureLoopback}), d.s.insecureLoopback)
	if err != nil {
		return []finding{bad(area, err.Error(), mend)}
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	key, err := resolver.Resolve(ctx, p.Kid)
	switch {
	case err != nil:
		return []finding{bad(area, p.Kid+": "+err.Error(), mend+" Until it is there, nothing can begin for this platform.")}
	case !key.Equal(p.Signer.Public()):
		return []finding{bad(area, p.Kid+" names another key than the identity file holds", mend)}
	}
	return []finding{fine(area, p.Kid+" is published with the key of the identity file")}
}

// registrations looks at who signed the platform's registration certificates;
// what they cover was looked at when the configuration was read.
func (d *doctor) registrations(ctx context.Context, area string, p platformSetup) (found []finding) {
	client, err := p.client()
	for i, compact := range p.Registrations {
		u, unread := openid4vp.ParseRegistration(compact)
		if unread != nil || err != nil {
			continue // said before
		}
		reg := u.Unverified()
		name := fmt.Sprintf("registration %s", p.registered[i].file)
		if !reg.IsFor(client, p.X5C) {
			found = append(found, bad(area, name+" is for "+reg.Subject+", who is not who asks", "The certificate (organizationIdentifier, or else the organisation's legal name) or the DID must be the registered one."))
			continue
		}
		if p.Registrars == nil {
			found = append(found, warn(area, name+": nobody is configured who registers verifiers, so who signed it was not checked", "Add the registrar to registrars of the trust list."))
			continue
		}
		if _, err := u.Verify(ctx, p.Registrars, d.now()); err != nil {
			found = append(found, bad(area, name+": "+err.Error(), "Get one from a registrar of the trust list, or add its registrar to the list."))
			continue
		}
		text := name + " covers its policies, until " + day(reg.ExpiresAt)
		if len(reg.Purposes()) == 0 && len(reg.Purpose) > 0 {
			text += "; its purpose is in the registrar's words: compare it with the policies' yourself"
		}
		found = append(found, fine(area, text))
	}
	return found
}
