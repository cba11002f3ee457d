package verifier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"facet/credentials/openid4vp"
)

// MaxRegistrations is how many registration certificates a platform may have:
// registrars give one for each intended use.
const MaxRegistrations = 16

// A registration is a certificate that fits the identity it stands beside.
type registration struct {
	compact string
	openid4vp.Registration
}

// register reads the identity's registration certificates and holds every
// policy of the platform, each version, against them. Reasons: those of
// openid4vp.ParseRegistration and Verify, registration_mismatch, overasking.
func (p *platform) register(ctx context.Context, s *signing) error {
	if len(s.Registrations) == 0 {
		return nil
	}
	if len(s.Registrations) > MaxRegistrations {
		return fmt.Errorf("there are more than %d registration certificates", MaxRegistrations)
	}
	client, err := openid4vp.ParseClientID(s.clientID)
	if err != nil {
		return errors.New("requests under redirect_uri are not signed; a registration certificate proves nothing there")
	}
	for _, compact := range s.Registrations {
		read, err := p.readRegistration(ctx, compact)
		if err != nil {
			return err
		}
		if !read.IsFor(client, s.X5C) {
			return fail("registration_mismatch", "the registration certificate is for %s, who is not who asks", read.Subject)
		}
		s.registered = append(s.registered, registration{compact, read})
	}
	for _, c := range p.byHash {
		if err := c.ready(); err != nil {
			return err
		}
		if _, err := s.entitled(c, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

// readRegistration verifies a certificate: against the registrars if there are
// some to believe, else only against the key it brings along.
func (p *platform) readRegistration(ctx context.Context, compact string) (openid4vp.Registration, error) {
	u, err := openid4vp.ParseRegistration(compact)
	if err != nil {
		return openid4vp.Registration{}, err
	}
	read, now := u.Unverified(), p.around.Now()
	if p.Registrars != nil {
		_, err = u.Verify(ctx, p.Registrars, now)
	} else if err = u.CheckSignature(); err == nil {
		err = read.CheckTimes(now)
	}
	return read, err
}

// entitled finds the registration that covers a policy, or nil where nothing is
// registered. At the zero time none has ended. Reasons: overasking,
// registration_expired.
func (s *signing) entitled(c *compiled, now time.Time) (*registration, error) {
	if len(s.registered) == 0 {
		return nil, nil
	}
	var beyond, ended error
	for i := range s.registered {
		r := &s.registered[i]
		err := r.Covers(c.Query, c.policy.Purpose)
		switch {
		case err != nil && (beyond == nil || fewer(err, beyond)):
			beyond = err
		case err != nil:
		case !now.IsZero() && r.CheckTimes(now) != nil:
			ended = r.CheckTimes(now)
		default:
			return r, nil
		}
	}
	if ended != nil {
		return nil, ended
	}
	return nil, &Error{reason: reasonOf(beyond, ""), err: fmt.Errorf("policy %s, version %d, asks for more than is registered: %w", c.policy.ID, c.policy.Version, beyond)}
}

// fewer reports whether a lacks less than b.
func fewer(a, b error) bool {
	var x, y *openid4vp.OveraskingError
	return errors.As(a, &x) && errors.As(b, &y) && len(x.Beyond) < len(y.Beyond)
}

// info is the registration as it travels beside the policy offer (OpenID4VP
// §5.11); it is about every credential the policy asks for.
func (r *registration) info(c *compiled) openid4vp.VerifierInfo {
	out := openid4vp.VerifierInfo{Format: openid4vp.RegistrationFormat, Data: r.compact}
	for _, q := range c.Query.Credentials {
		out.CredentialIDs = append(out.CredentialIDs, q.ID)
	}
	return out
}
