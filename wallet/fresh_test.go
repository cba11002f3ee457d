package wallet_test

import (
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/sdjwt"
)

// TestPreferencesAreSignedAfresh: of two answers with the same preferences,
// neither key, issuer nor signature is in the other.
func TestPreferencesAreSignedAfresh(t *testing.T) {
	r := newRig(t)
	r.prefer(liked)
	seen := map[string]int{}
	for n := range 2 {
		q := r.question().prefer(t, r)
		if _, err := r.present(r.mustAsk(q), "home.topics"); err != nil {
			t.Fatal(err)
		}
		posts := r.posted()
		token := r.decrypt(q, posts[len(posts)-1]).VPToken["prefs"][0]
		c, err := credentials.Verify(t.Context(), token, credentials.Rule{
			SelfAsserted: []string{"urn:facet:media-preferences:1"}, Now: r.now, Leeway: time.Minute,
			KB: &sdjwt.KBRule{Nonce: fixedNonce, Audience: q.clientID, NotBefore: r.now.Add(-time.Minute), NotAfter: r.now.Add(time.Minute)},
		})
		if err != nil {
			t.Fatal(err)
		}
		sd, err := sdjwt.Parse(token)
		if err != nil {
			t.Fatal(err)
		}
		if c.HolderKey() == nil || c.Assurance() != credentials.SelfAsserted {
			t.Fatalf("not the holder's own word: %s", c.Assurance())
		}
		iss, _ := c.Claims()["iss"].(string)
		for _, mark := range []string{c.HolderKey().Thumbprint(), iss, sd.Issuer().Raw()} {
			if mark == "" || seen[mark] > 0 {
				t.Fatalf("answer %d has what an earlier one had", n+1)
			}
			seen[mark]++
		}
	}
}
