package main

import (
	"encoding/base64"
	"errors"
	"strings"

	"facet/audit"
	"facet/credentials"
	"facet/credentials/jose"
	"facet/credentials/openid4vci"
	"facet/credentials/openid4vp"
	"facet/credentials/sdjwt"
)

// lookJSON decides by its members what a JSON object is.
func (in *inspection) lookJSON(text string) *view {
	o, err := jose.ParseObject([]byte(text), jose.Limits{MaxSize: maxInspect})
	if err != nil {
		return malformed("JSON", err)
	}
	has := func(names ...string) bool {
		for _, name := range names {
			if _, there := o[name]; !there {
				return false
			}
		}
		return true
	}
	switch {
	case has("payload", "signatures"), has("payload", "signature"):
		sd, err := sdjwt.ParseJSON([]byte(text))
		if err != nil {
			return malformed("SD-JWT in JWS JSON (not readable)", err)
		}
		return in.viewSDJWT(sd, " in JWS JSON")
	case has("protocol", "data"), has("requests"), has("digital"):
		return in.lookDigital(text)
	case has("entry", "proof"):
		return in.lookReceipt(text, o)
	case has("credential_issuer", "credential_configuration_ids"):
		return lookOffer(text)
	case has("dcql_query"):
		v := &view{Kind: "Request parameters, unsigned"}
		v.open("who asks", "an unsigned request proves nothing about its sender")
		v.add("Parameters", o)
		if q, ok := o["dcql_query"].(map[string]any); ok {
			v.query(q)
		}
		return v
	case has("credentials"):
		v := &view{Kind: "DCQL query"}
		v.query(o)
		return v
	case has("issuers", "verifiers"):
		v := &view{Kind: "Trust list"}
		if _, err := credentials.ParseTrustList([]byte(text)); err != nil {
			v.Problem = explain(err)
		}
		v.add("Members", o)
		return v
	case has("vct") && (has("display") || has("claims") || has("extends")):
		v := &view{Kind: "Type metadata"}
		if _, err := credentials.ParseTypeMetadata([]byte(text)); err != nil {
			v.Problem = explain(err)
		}
		v.add("Members", o)
		return v
	}
	v := malformed("JSON of no kind known here", errors.New("no member says what it is"))
	v.add("Members", o)
	return v
}

func lookOffer(text string) *view {
	v := &view{Kind: "Credential offer"}
	o, err := openid4vci.ParseOffer([]byte(text))
	if err != nil {
		v.Problem = explain(err)
	} else if code, err := o.PreAuthorized(); err == nil && code != nil {
		v.open("issuer", "an offer is not signed: who it is shows when its metadata is fetched")
	}
	members, err := jose.ParseObject([]byte(text), jose.Limits{})
	if err == nil {
		v.add("Members", members)
	}
	return v
}

// lookLink shows a credential offer link or an authorization request link.
func lookLink(text string) *view {
	if offer, err := openid4vci.ParseOfferLink(text); err == nil {
		v := &view{Kind: "Credential offer link"}
		v.add("Link", map[string]any{"link": text})
		if offer.Offer != nil {
			b, err := openid4vci.MarshalOffer(offer.Offer)
			if err == nil {
				inner := lookOffer(string(b))
				v.Problem, v.Checks = inner.Problem, inner.Checks
				v.Sections = append(v.Sections, inner.Sections...)
			}
		}
		return v
	}
	p, err := openid4vp.ParseAuthorize(text)
	if err != nil {
		return malformed("Link", err)
	}
	v := &view{Kind: "Authorization request link"}
	v.open("who asks", "that shows only the request object its request_uri leads to")
	v.add("Parameters", map[string]any{"client_id": p.ClientID, "request_uri": p.RequestURI})
	return v
}

func (in *inspection) lookReceipt(text string, o map[string]any) *view {
	v := &view{Kind: "Receipt"}
	if in.logKey == "" {
		v.open("inclusion", "give the log's verifier key with --log-key VKEY")
	} else {
		origin, _, _ := strings.Cut(in.logKey, "+")
		if _, _, err := audit.VerifyReceipt([]byte(text), in.logKey, origin); err != nil {
			v.refused("inclusion", err, "")
		} else {
			v.verified("inclusion", "the entry is in the log "+origin)
		}
	}
	if encoded, ok := o["entry"].(string); ok {
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(encoded, "="))
		if err != nil {
			raw, err = base64.StdEncoding.DecodeString(encoded)
		}
		entry, bad := jose.ParseObject(raw, jose.Limits{})
		if err != nil || bad != nil {
			v.Problem = explain(errors.Join(err, bad))
		} else {
			v.add("Entry", entry)
		}
	}
	if proof, ok := o["proof"].(string); ok {
		lines := []any{}
		for _, line := range strings.Split(strings.TrimSpace(proof), "\n") {
			lines = append(lines, line)
		}
		v.add("Proof", lines)
	}
	if openings, ok := o["openings"].([]any); ok {
		v.add("Openings", openings)
	}
	return v
}
