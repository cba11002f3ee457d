package main

import (
	"fmt"
	"strings"

	"facet/credentials"
	"facet/credentials/jose"
	"facet/credentials/sdjwt"
	"facet/credentials/statuslist"
)

func (in *inspection) lookSDJWT(text string) *view {
	sd, err := sdjwt.Parse(text)
	if err != nil {
		return malformed("SD-JWT (not readable)", err)
	}
	return in.viewSDJWT(sd, "")
}

// viewSDJWT shows a parsed SD-JWT; form says how it was serialized, if not
// compactly.
func (in *inspection) viewSDJWT(sd *sdjwt.SDJWT, form string) *view {
	v := &view{Kind: "SD-JWT" + form}
	if sd.KeyBinding() != "" {
		v.Kind = "SD-JWT+KB" + form
	}
	token := sd.Issuer()
	preview, err := sd.Unverified()
	if err != nil {
		v.Problem = explain(err)
	}
	in.checkIssuer(v, token)
	in.checkCredential(v, token, preview)
	v.add("Header", header(token.Header()))
	v.add("Claims as signed", token.UnverifiedClaims())
	if len(preview.Disclosures) > 0 {
		v.Sections = append(v.Sections, section{Title: "Disclosures", Disclosures: disclosures(preview)})
	}
	if len(preview.Unmatched) > 0 {
		v.add(fmt.Sprintf("Digests without a disclosure (%d): decoys, or claims kept back", len(preview.Unmatched)), unmatched(preview))
	}
	if preview.Claims != nil {
		v.add("What a verifier reads", map[string]any(preview.Claims))
	}
	if sd.KeyBinding() != "" {
		in.viewKeyBinding(v, sd, preview)
	}
	in.checkDates(v, token.UnverifiedClaims())
	return v
}

// checkCredential holds what says it is an SD-JWT VC, by its vct, to the rules
// every verifier has.
func (in *inspection) checkCredential(v *view, t *jose.Token, p *sdjwt.Preview) {
	claims := t.UnverifiedClaims()
	if _, vc := claims["vct"]; !vc {
		return
	}
	if typ := t.Header().Typ; typ != credentials.Type {
		v.wrong("type", "jose_typ_unexpected", "A credential with a vct has the typ "+credentials.Type+".")
	}
	if err := credentials.CheckDisclosable(claims, p.Disclosures); err != nil {
		v.refused("disclosures", err, "")
	}
	if status, there := claims["status"]; there {
		if _, err := statuslist.ParseReference(status); err != nil {
			v.refused("status", err, "")
		} else {
			v.open("status", "nothing is fetched here")
		}
	}
	if at, there, err := jose.NumericDate(claims, "exp"); err == nil && there && !in.now.Before(at) {
		v.wrong("dates", "credential_expired", reasonSentences["credential_expired"])
	}
	if at, there, err := jose.NumericDate(claims, "nbf"); err == nil && there && in.now.Before(at) {
		v.wrong("dates", "credential_not_yet_valid", reasonSentences["credential_not_yet_valid"])
	}
}

func header(h jose.Header) map[string]any {
	out := map[string]any{"alg": h.Alg}
	for name, value := range h.Extra {
		out[name] = value
	}
	if h.Typ != "" {
		out["typ"] = h.Typ
	}
	if h.Kid != "" {
		out["kid"] = h.Kid
	}
	if h.JWK != nil {
		out["jwk"] = h.JWK.JWK()
	}
	if h.X5C != nil {
		out["x5c"] = certificates(h.X5C)
	}
	return out
}

func disclosures(p *sdjwt.Preview) []disclosureView {
	var out []disclosureView
	for _, d := range p.Disclosures {
		v := disclosureView{Name: d.Name, Value: d.Value, Salt: d.Salt, Digest: d.Digest}
		if d.Referenced {
			v.Path = d.Path.String()
		} else {
			v.Note = "no digest refers to this disclosure"
			if d.Name != "" {
				v.Note += ", which is for " + d.Name
			}
		}
		if d.Parent >= 0 {
			n := d.Parent + 1
			v.Inside = &n
		}
		out = append(out, v)
	}
	return out
}

func unmatched(p *sdjwt.Preview) []any {
	var out []any
	for _, u := range p.Unmatched {
		where := "at the top"
		if len(u.Path) > 0 {
			where = "in " + u.Path.String()
		}
		out = append(out, u.Digest+" "+where)
	}
	return out
}

const issuerSignature = "issuer signature"

// checkIssuer verifies the issuer's signature with whatever key is at hand.
func (in *inspection) checkIssuer(v *view, t *jose.Token) {
	if len(in.keys) == 0 && t.Header().X5C == nil {
		if key := selfAsserted(t); key != nil {
			v.try(issuerSignature, t, key, "the holder's own key (iss is the did:jwk of cnf): self-asserted, nobody vouches for it")
			return
		}
	}
	in.checkSignature(v, issuerSignature, t)
}

// checkSignature verifies with --key, else with x5c under --anchor.
func (in *inspection) checkSignature(v *view, what string, t *jose.Token) {
	x5c := t.Header().X5C
	switch {
	case len(in.keys) > 0:
		key, how := in.keys[0], "the key of --key"
		if named, err := in.keys.Find(t.Header().Kid); err == nil {
			key, how = named, "the key of --key with the kid of the header"
		}
		v.try(what, t, key, how)
	case x5c != nil && in.anchors != nil:
		clientID, _ := t.UnverifiedClaims()["client_id"].(string)
		name, _ := strings.CutPrefix(clientID, "x509_san_dns:")
		if name == clientID {
			name = "" // the certificate's name is not what it is known by
		}
		chain, err := jose.VerifyChain(x5c, jose.ChainRule{Anchors: in.anchors, Now: in.now, DNSName: name})
		if err != nil {
			v.refused(what, err, "So its chain counts for nothing.")
			return
		}
		v.try(what, t, chain.Key, fmt.Sprintf("the certificate of %s, under the anchor %s", chain.Leaf.Subject, chain.Anchor.Subject))
	case x5c != nil:
		v.open(what, "it comes with certificates; give their root with --anchor FILE")
	default:
		v.open(what, "give the issuer's key with --key FILE")
	}
}

// try verifies one signature.
func (v *view) try(what string, t *jose.Token, key *jose.PublicKey, how string) {
	if _, err := t.Verify(key); err != nil {
		p := explain(err)
		if what == issuerSignature && p.Reason == jose.ReasonSignature {
			p.Reason = "issuer_signature_invalid" // as package sdjwt says
		}
		v.wrong(what, p.Reason, p.Sentence+" Tried: "+how+".")
		return
	}
	v.verified(what, how)
}

// selfAsserted returns the key in cnf if iss spells out the same key.
func selfAsserted(t *jose.Token) *jose.PublicKey {
	key := confirmation(t.UnverifiedClaims())
	iss, _ := t.UnverifiedClaims()["iss"].(string)
	if key == nil || !strings.HasPrefix(iss, "did:jwk:") {
		return nil
	}
	if named, err := credentials.DIDJWK(key); err != nil || named != iss {
		return nil
	}
	return key
}

func confirmation(claims map[string]any) *jose.PublicKey {
	cnf, _ := claims["cnf"].(map[string]any)
	jwk, _ := cnf["jwk"].(map[string]any)
	key, err := jose.PublicKeyFromMap(jwk)
	if err != nil {
		return nil
	}
	return key
}

func (in *inspection) viewKeyBinding(v *view, sd *sdjwt.SDJWT, p *sdjwt.Preview) {
	t, err := jose.Parse(sd.KeyBinding(), jose.Rule{
		Typ: []string{sdjwt.KeyBindingType}, Algs: []string{jose.ES256, jose.ES384, jose.EdDSA}, AllowJWK: true,
	})
	if err != nil {
		v.refused("key binding", err, "")
		return
	}
	if key := confirmation(sd.Issuer().UnverifiedClaims()); key != nil {
		v.try("key binding signature", t, key, "the key in cnf")
	} else {
		v.wrong("key binding signature", "kb_cnf_missing", "the credential has no key in cnf")
	}
	if sum, _ := t.UnverifiedClaims()["sd_hash"].(string); sum == p.SDHash && sum != "" {
		v.verified("sd_hash", "it was made over exactly these disclosures")
	} else {
		v.wrong("sd_hash", "kb_sd_hash_mismatch", "disclosures were added, removed or reordered after the holder signed")
	}
	v.open("nonce, aud, iat", "only the verifier that asked knows what they must be")
	v.add("Key binding header", header(t.Header()))
	v.add("Key binding claims", t.UnverifiedClaims())
}
