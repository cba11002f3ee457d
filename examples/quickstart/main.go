// Command quickstart is Facet in one file and without a network: a newspaper
// issues a subscription, a reader holds it, a site asks by a policy, the reader
// approves some of it, and the site gets hints instead of data.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/sdjwt"
	"facet/policy"
	"facet/policy/hints"
)

// The site's policy: all it may ask, and all it will make of it.
const home = `{"policy":"paper.example/home","version":1,"purpose":"personalised-home","retention":"P7D",
"controller":{"name":"The Paper","privacy_policy":"https://paper.example/privacy"},"outputs":["hints"],"question":{"de":"Wie liest du gern?","en":"How do you like to read?"},"benefit":{"de":"Eine Seite für dich.","en":"A page for you."},
"credentials":{"member":{"vct":["urn:facet:media-membership:1"],"accept":"issuer-signed"},"prefs":{"vct":["urn:facet:media-preferences:1"],"accept":"self-asserted"}},
"hints":[
{"key":"access.tier","label":{"de":"Dein Abo","en":"Your subscription"},"from":["member","tier"],"map":{"basic":"basic","plus":"plus","premium":"premium"},"required":true,"with":{"de":"Öffnet die Seite.","en":"Opens the page."},"explain":{"de":"Dein Abo: {value}.","en":"Your subscription: {value}."}},
{"key":"article.length","label":{"de":"Wie ausführlich","en":"How much detail"},"from":["prefs","depth"],"map":{"overview":"short","standard":"medium","detail":"long"},"without":{"de":"Alles mittellang.","en":"All medium."},"with":{"de":"In deiner Länge.","en":"In your length."},"explain":{"de":"Du magst es {value}.","en":"You like it {value}."}}]}`

const prefsType = "urn:facet:media-preferences:1"

// paperKey trusts one issuer: the paper itself.
type paperKey struct{ key *jose.PublicKey }

func (p paperKey) IssuerKey(context.Context, credentials.TrustQuery) (*credentials.Issuer, error) {
	return &credentials.Issuer{Key: p.key, ID: "paper", Name: "The Paper"}, nil
}

func main() {
	for _, h := range must(run(context.Background(), time.Now())) {
		fmt.Printf("%-15s %-8v %-14s %s\n", h.Key, h.Value, h.Assurance, h.Explain["en"])
	}
}

func run(ctx context.Context, now time.Time) (hints.HintSet, error) {
	paper, reader, once := must(jose.GenerateKey()), must(jose.GenerateKey()), must(jose.GenerateKey())

	// Issue: every claim can be shown or hidden on its own.
	issued := must(credentials.Issue(ctx, paper, nil, credentials.Issuance{
		VCT: "urn:facet:media-membership:1", Holder: reader.Public(), ExpiresAt: now.AddDate(1, 0, 0),
		Subject: map[string]any{"tier": "plus", "valid_until": "2027-06-30"},
	}))

	// Hold: the reader checks what came before keeping it.
	trust := paperKey{paper.Public()}
	card := must(credentials.VerifyReceived(ctx, issued, reader.Public(), credentials.Rule{Trust: trust, Now: now}))

	// Ask: the query is compiled from the policy; there is no other way to ask.
	ask := must(policy.Compile(must(policy.Parse([]byte(home)))))

	// Consent: the reader ticks what they like and sees what will come of it.
	approved := must(ask.Approve([]string{"article.length"}))
	prefs := approved.Mint[0].Claims(claims.Set{"depth": "overview", "tone": "informal"})
	member := approved.Present[0]
	preview := must(derive(ask, now, map[string]policy.Answer{member: {Claims: card.Claims()}, "prefs": {Claims: prefs}}))

	// Present: one disclosure of the subscription, and preferences signed with a
	// key that was never used before and never will be again.
	kb := sdjwt.KBClaims{Nonce: "fresh-for-this-request", Audience: "x509_hash:the-site", IssuedAt: now}
	shown := must(card.Holding().Present(ctx, ask.Queries[member].Paths, reader, kb))
	minted := must(credentials.Mint(ctx, once, credentials.Minted{VCT: prefsType, Claims: prefs, IssuedAt: now, ExpiresAt: now.Add(time.Hour)}))
	stated := must(sdjwt.Bind(ctx, minted, once, kb))

	// Verify: the site believes the paper about the subscription, and the reader
	// about the reader's own taste.
	binding := &sdjwt.KBRule{Nonce: kb.Nonce, Audience: kb.Audience, NotBefore: now.Add(-time.Minute), NotAfter: now.Add(time.Minute)}
	rule := credentials.Rule{Trust: trust, Now: now, SelfAsserted: []string{prefsType}, KB: binding}
	tier, taste := must(credentials.Verify(ctx, shown, rule)), must(credentials.Verify(ctx, stated, rule))

	// Hints: the same rules, run by the site, give what the reader was shown.
	derived := must(derive(ask, now, map[string]policy.Answer{member: {Claims: tier.Claims()}, "prefs": {Claims: taste.Claims()}}))
	for i := range derived {
		if derived[i].Value != preview[i].Value {
			return nil, fmt.Errorf("%s differs from its preview", derived[i].Key)
		}
	}
	return derived, nil
}

func derive(c *policy.Compiled, now time.Time, answers map[string]policy.Answer) (hints.HintSet, error) {
	return hints.Derive(c.Policy.Hints, c.Inputs(answers), c.Policy.Meta(now.Add(c.Policy.Keep()).Unix()))
}

// must keeps the example readable; a real program handles its errors.
func must[T any](v T, err error) T {
	if err != nil {
		log.Panic(err)
	}
	return v
}
