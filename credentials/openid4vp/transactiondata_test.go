package openid4vp_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"facet/credentials/openid4vp"
	"facet/schemas"
)

// entry is transaction data of Facet's type for the asker's one query.
func entry(change map[string]any) map[string]any {
	m := map[string]any{
		"type": schemas.PolicyTransaction, "credential_ids": []any{"member"}, "transaction_data_hashes_alg": []any{"sha-512", "sha-256"},
		"policy": "morgenblatt.example/access", "version": 1, "policy_sha256": "x", "purpose": "subscription", "retention": "PT12H",
	}
	maps.Copy(m, change)
	for name, v := range m {
		if v == nil {
			delete(m, name)
		}
	}
	return m
}

// TestTransactionData: whatever is not exactly Facet's type is refused.
func TestTransactionData(t *testing.T) {
	a := newAsker(t)
	read := func(list any, change func(map[string]any)) (*openid4vp.Request, error) {
		m := a.params(t, a.hash())
		m["transaction_data"] = list
		if change != nil {
			change(m)
		}
		return a.read(t, m, nil, openid4vp.Expect{ClientID: a.hash()})
	}
	encode := func(m map[string]any) string {
		b, err := json.Marshal(m)
		must(t, err)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	t.Run("WREQ-023", func(t *testing.T) {
		for name, list := range map[string]any{
			"no list": "x", "empty": []any{}, "two": []any{encode(entry(nil)), encode(entry(nil))}, "a number": []any{1}, "an object": []any{entry(nil)},
			"padded": []any{encode(entry(nil)) + "="}, "no JSON": []any{"eA"}, "no object": []any{base64.RawURLEncoding.EncodeToString([]byte(`"x"`))},
			"a member twice":             []any{base64.RawURLEncoding.EncodeToString([]byte(`{"type":"x","type":"` + schemas.PolicyTransaction + `"}`))},
			"another type":               []any{encode(entry(map[string]any{"type": "payment"}))},
			"no type":                    []any{encode(entry(map[string]any{"type": nil}))},
			"a member nobody knows":      []any{encode(entry(map[string]any{"amount": "5"}))},
			"no policy":                  []any{encode(entry(map[string]any{"policy": nil}))},
			"no hash of the policy":      []any{encode(entry(map[string]any{"policy_sha256": nil}))},
			"a purpose that is a number": []any{encode(entry(map[string]any{"purpose": 1}))},
			"version 0":                  []any{encode(entry(map[string]any{"version": 0}))},
			"a version as text":          []any{encode(entry(map[string]any{"version": "1"}))},
			"ids of nothing":             []any{encode(entry(map[string]any{"credential_ids": []any{}}))},
			"ids of another query":       []any{encode(entry(map[string]any{"credential_ids": []any{"age"}}))},
			"more ids than queries":      []any{encode(entry(map[string]any{"credential_ids": []any{"member", "age"}}))},
			"a text for ids":             []any{encode(entry(map[string]any{"credential_ids": "member"}))},
			"no hash that is known":      []any{encode(entry(map[string]any{"transaction_data_hashes_alg": []any{"sha-512"}}))},
			"too long":                   []any{encode(entry(map[string]any{"policy": strings.Repeat("x", openid4vp.MaxTransactionData)}))},
		} {
			_, err := read(list, nil)
			wantReason(t, err, "transaction_data_unsupported")
			var e *openid4vp.Error
			if !errors.As(err, &e) || e.Code != openid4vp.CodeInvalidTransactionData {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err := read([]any{encode(entry(nil))}, func(m map[string]any) {
			m["dcql_query"].(map[string]any)["credentials"].([]any)[0].(map[string]any)["require_cryptographic_holder_binding"] = false
		})
		wantReason(t, err, "transaction_data_unsupported")
	})
	req, err := read([]any{encode(entry(map[string]any{"transaction_data_hashes_alg": nil}))}, nil)
	must(t, err)
	_, err = req.PolicyOffer()
	wantReason(t, err, "transaction_data_unsupported") // of a policy nobody offers
}
