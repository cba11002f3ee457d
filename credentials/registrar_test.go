package credentials

import (
	"encoding/base64"
	"encoding/json"
	"testing"
)

// TestDIDVerifier: a verifier may be known by its DID instead of a certificate,
// by the whole of it, and by one way only.
func TestDIDVerifier(t *testing.T) {
	r := newRig(t)
	entry := map[string]any{"id": "news-did", "name": "Morgenblatt", "domain": "news.example", "did": "did:web:news.example"}
	l := r.list(map[string]any{"verifiers": []any{entry}})
	for name, tt := range map[string]struct {
		client string
		x5c    []string
		want   string
	}{
		"the DID":           {"decentralized_identifier:did:web:news.example", nil, ""},
		"below it":          {"decentralized_identifier:did:web:news.example:a", nil, "verifier_unknown"},
		"in capitals":       {"decentralized_identifier:did:web:NEWS.example", nil, "verifier_unknown"},
		"its key":           {"decentralized_identifier:did:web:news.example#1", nil, "verifier_unknown"},
		"nothing":           {"decentralized_identifier:", nil, "verifier_unknown"},
		"another":           {"decentralized_identifier:did:web:evil.example", nil, "verifier_unknown"},
		"by its name":       {"x509_san_dns:news.example", r.asker.x5c, "verifier_unknown"},
		"with another word": {"redirect_uri:did:web:news.example", nil, "verifier_unknown"},
	} {
		party, err := l.Verifier(t.Context(), tt.client, tt.x5c, now)
		if reason(err) != tt.want || err == nil && (party.ID != "news-did" || party.Domain != "news.example") {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	der := base64.StdEncoding.EncodeToString(r.root.der)
	for name, change := range map[string]map[string]any{
		"a certificate beside it": {"anchor": der}, "a leaf beside it": {"leaf": map[string]any{"san": "news.example"}},
		"no DID": {"did": "news.example"}, "a DID URL": {"did": "did:web:news.example#1"}, "a number": {"did": 1},
	} {
		bad := map[string]any{}
		for k, v := range entry {
			bad[k] = v
		}
		for k, v := range change {
			bad[k] = v
		}
		text, err := json.Marshal(map[string]any{"version": 1, "name": "x", "issuers": []any{}, "verifiers": []any{bad}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseTrustList(text); reason(err) != "trust_list_malformed" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRegistrar(t *testing.T) {
	r := newRig(t)
	office := r.root.leaf(t, "Medienregister", "register.example")
	entry := func(more map[string]any) map[string]any {
		e := map[string]any{
			"id": "register", "name": map[string]string{"de": "Medienregister", "en": "Media register"},
			"anchor": base64.StdEncoding.EncodeToString(r.root.der), "leaf": map[string]any{"organization": "Medienregister"},
		}
		for k, v := range more {
			e[k] = v
		}
		return e
	}
	for word, stops := range map[string]bool{"": false, "warn": false, "stop": true} {
		more := map[string]any{}
		if word != "" {
			more["overasking"] = word
		}
		got, err := r.list(map[string]any{"registrars": []any{entry(more)}}).Registrar(t.Context(), office.x5c, now)
		if err != nil || got.ID != "register" || got.Name != "Media register" || got.StopsOverasking != stops || !got.Key.Equal(office.key.Public()) {
			t.Errorf("%q: %+v, %v", word, got, err)
		}
	}
	l := r.list(map[string]any{"registrars": []any{entry(nil)}})
	for name, x5c := range map[string][]string{
		"an issuer":      r.a.x5c,
		"another anchor": newAuthority(t).leaf(t, "Medienregister", "register.example").x5c,
	} {
		if _, err := l.Registrar(t.Context(), x5c, now); reason(err) != "registrar_unknown" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.trust.Registrar(t.Context(), office.x5c, now); reason(err) != "registrar_unknown" {
		t.Errorf("a list without registrars: %v", err)
	}
	for name, entries := range map[string][]any{
		"two of one id": {entry(nil), entry(nil)}, "a word nobody knows": {entry(map[string]any{"overasking": "ask"})},
		"no anchor": {entry(map[string]any{"anchor": nil})},
	} {
		text, err := json.Marshal(map[string]any{"version": 1, "name": "x", "issuers": []any{}, "verifiers": []any{}, "registrars": entries})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseTrustList(text); reason(err) != "trust_list_malformed" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
