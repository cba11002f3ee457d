package wallet_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/dcql"
	"facet/credentials/openid4vp"
	"facet/fetch"
	"facet/wallet"
)

// anyone vouches for whoever asks, so that what comes after is tested too.
type anyone struct{ host string }

func (a anyone) Verifier(context.Context, string, []string, time.Time) (*credentials.Party, error) {
	return &credentials.Party{ID: "anyone", Name: "Anyone", Domain: a.host}, nil
}

// TestAskRejects opens requests that must not be shown, let alone answered. For
// each of them nothing may reach the asker.
func TestAskRejects(t *testing.T) {
	hash := func(q *question) string { return strings.TrimPrefix(q.clientID, "x509_hash:") }
	for _, tt := range []struct {
		id, name string
		twist    func(*rig, *question)
		want     string
	}{
		{"WREQ-001", "signature of another key", func(_ *rig, q *question) {
			q.edit = func(jar string) string {
				i := strings.LastIndexByte(jar, '.')
				sig, _ := base64.RawURLEncoding.DecodeString(jar[i+1:])
				sig[7] ^= 1
				return jar[:i+1] + base64.RawURLEncoding.EncodeToString(sig)
			}
		}, "jar_signature_invalid"},
		{"WREQ-002", "alg none", func(_ *rig, q *question) {
			q.edit = func(jar string) string {
				parts := strings.Split(jar, ".")
				return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"oauth-authz-req+jwt"}`)) + "." + parts[1] + "."
			}
		}, "jose_alg_not_allowed"},
		{"WREQ-003", "link names another client", func(_ *rig, q *question) {
			q.link.Set("client_id", "x509_hash:Uvo3HtuIxuhC92rShpgqcT3YXwrqRxWEviRiA0OZszk")
		}, "client_id_mismatch"},
		{"WREQ-003", "only the prefix differs", func(_ *rig, q *question) {
			q.link.Set("client_id", "x509_san_dns:"+hash(q))
		}, "client_id_mismatch"},
		{"WREQ-004", "unknown prefix", func(_ *rig, q *question) { q.link.Set("client_id", "foo:bar") }, "client_id_prefix_unsupported"},
		{"WREQ-005", "no prefix", func(_ *rig, q *question) { q.link.Set("client_id", "morgenblatt") }, "client_not_registered"},
		{"WREQ-006", "capitals", func(_ *rig, q *question) { q.link.Set("client_id", "X509_HASH:"+hash(q)) }, "client_id_prefix_unsupported"},
		{"WREQ-006", "space in front", func(_ *rig, q *question) { q.link.Set("client_id", " x509_hash:"+hash(q)) }, "client_id_prefix_unsupported"},
		{"WREQ-006", "escaped colon", func(_ *rig, q *question) { q.link.Set("client_id", "x509_hash%3A"+hash(q)) }, "client_id_prefix_unsupported"},
		{"WREQ-007", "redirect_uri client with a signed request", func(r *rig, q *question) {
			q.link.Set("client_id", "redirect_uri:"+r.url("/response/1"))
		}, "client_id_signing_rule"},
		{"WREQ-007", "x509_san_dns client without a signature", func(_ *rig, q *question) {
			q.link = url.Values{"client_id": {"x509_san_dns:morgenblatt.localhost"}, "nonce": {fixedNonce}}
		}, "client_id_signing_rule"},
		{"WREQ-008", "redirect_uri client, answer elsewhere", func(r *rig, q *question) {
			r.open(anyone{"morgenblatt.localhost"})
			q.link = url.Values{
				"client_id": {"redirect_uri:" + r.url("/response/1")}, "response_uri": {r.url("/response/2")}, "nonce": {fixedNonce},
				"response_type": {"vp_token"}, "response_mode": {"direct_post"},
				"dcql_query": {`{"credentials":[{"id":"a","format":"dc+sd-jwt","meta":{"vct_values":["x"]}}]}`},
			}
		}, "response_uri_mismatch"},
		{"WREQ-009", "x509_san_dns client, answer on another host", func(r *rig, q *question) {
			q.link.Set("client_id", "x509_san_dns:morgenblatt.localhost")
			q.object["client_id"] = "x509_san_dns:morgenblatt.localhost"
			q.object["response_uri"] = strings.Replace(r.url("/response/1"), "morgenblatt.", "other.", 1)
		}, "response_uri_mismatch"},
		{"WREQ-010", "reserved prefix", func(_ *rig, q *question) { q.link.Set("client_id", "origin:https://morgenblatt.example") }, "client_id_prefix_reserved"},
		{"WREQ-012", "no nonce", func(_ *rig, q *question) { delete(q.object, "nonce") }, "nonce_invalid"},
		{"WREQ-012", "empty nonce", func(_ *rig, q *question) { q.object["nonce"] = "" }, "nonce_invalid"},
		{"WREQ-012", "nonce of one character", func(_ *rig, q *question) { q.object["nonce"] = "a" }, "nonce_invalid"},
		{"WREQ-012", "nonce that is not ASCII", func(_ *rig, q *question) { q.object["nonce"] = "nönsenseönsense" }, "nonce_invalid"},
		{"WREQ-018", "wallet_nonce nobody sent", func(_ *rig, q *question) { q.object["wallet_nonce"] = "x" }, "wallet_nonce_mismatch"},
		{"WREQ-018", "wallet_nonce not echoed", func(_ *rig, q *question) { q.link.Set("request_uri_method", "post") }, "wallet_nonce_mismatch"},
		{"WREQ-019", "PUT", func(_ *rig, q *question) { q.link.Set("request_uri_method", "PUT") }, "request_uri_method"},
		{"WREQ-019", "POST in capitals", func(_ *rig, q *question) { q.link.Set("request_uri_method", "POST") }, "request_uri_method"},
		{"WREQ-023", "transaction_data", func(_ *rig, q *question) {
			q.object["transaction_data"] = []any{base64.RawURLEncoding.EncodeToString([]byte(`{"type":"pay","credential_ids":["age"]}`))}
		}, "transaction_data_unsupported"},
		{"WREQ-024", "no usable key", func(_ *rig, q *question) {
			keys := q.object["client_metadata"].(map[string]any)["jwks"].(map[string]any)["keys"].([]any)
			keys[0].(map[string]any)["alg"] = "ECDH-ES+A128KW"
		}, "response_encryption_unavailable"},
		{"WREQ-024", "a signing key only", func(_ *rig, q *question) {
			keys := q.object["client_metadata"].(map[string]any)["jwks"].(map[string]any)["keys"].([]any)
			keys[0].(map[string]any)["use"] = "sig"
		}, "response_encryption_unavailable"},
		{"WREQ-027", "asks for more than its policy", func(r *rig, q *question) {
			q.prefer(r.t, r)
			query := *q.object["dcql_query"].(*dcql.Query)
			query.Credentials = append([]dcql.CredentialQuery{}, query.Credentials...)
			query.Credentials[0].Claims = append(append([]dcql.ClaimQuery{}, query.Credentials[0].Claims...), dcql.ClaimQuery{Path: claims.Path{"tone"}})
			q.object["dcql_query"] = &query
		}, "policy_query_mismatch"},
		{"WREQ-031", "expired", func(r *rig, q *question) { q.object["exp"] = r.now.Add(-2 * time.Minute).Unix() }, "jar_expired"},
		{"WREQ-031", "made long ago", func(r *rig, q *question) {
			q.object["iat"] = r.now.Add(-3 * time.Hour).Unix()
		}, "jar_expired"},
		{"WREQ-031", "for another wallet", func(_ *rig, q *question) { q.object["aud"] = "https://wallet.example" }, "jar_aud_mismatch"},
	} {
		t.Run(tt.id+"/"+tt.name, func(t *testing.T) {
			r := newRig(t)
			q := r.question()
			tt.twist(r, q)
			r.refused(q, tt.want)
		})
	}
}

// refused asks and wants this reason, and silence.
func (r *rig) refused(q *question, want string) {
	r.t.Helper()
	p, err := r.ask(q)
	if got := wallet.ReasonOf(err); err == nil || got != want {
		r.t.Fatalf("got %v (reason %q, kind %q), want %q", err, got, p.Kind, want)
	}
	if n := len(r.posted()); n != 0 {
		r.t.Fatalf("%d messages reached the asker", n)
	}
}

func TestAskMalformedQuery(t *testing.T) {
	for name, query := range map[string]string{
		"no credentials":       `{"credentials":[]}`,
		"two of one id":        `{"credentials":[{"id":"a","format":"dc+sd-jwt","meta":{"vct_values":["x"]}},{"id":"a","format":"dc+sd-jwt","meta":{"vct_values":["x"]}}]}`,
		"id with a slash":      `{"credentials":[{"id":"a/b","format":"dc+sd-jwt","meta":{"vct_values":["x"]}}]}`,
		"unknown claim in set": `{"credentials":[{"id":"a","format":"dc+sd-jwt","meta":{"vct_values":["x"]},"claims":[{"id":"c","path":["d"]}],"claim_sets":[["e"]]}]}`,
		"unknown id in set":    `{"credentials":[{"id":"a","format":"dc+sd-jwt","meta":{"vct_values":["x"]}}],"credential_sets":[{"options":[["b"]]}]}`,
	} {
		t.Run("WREQ-021/"+name, func(t *testing.T) {
			r := newRig(t)
			q := r.question()
			q.object["dcql_query"] = rawJSON(query)
			r.refused(q, "dcql_malformed")
		})
	}
}

type rawJSON string

func (j rawJSON) MarshalJSON() ([]byte, error) { return []byte(j), nil }

// TestAskAddresses runs with the strict fetcher of a wallet in use.
func TestAskAddresses(t *testing.T) {
	for uri, want := range map[string]string{
		"http://morgenblatt.example/request": "url_not_https", "file:///etc/passwd": "url_not_https",
		"data:application/json,1": "url_not_https", "javascript:1": "url_not_https",
		"//morgenblatt.example/request": "url_not_https", "https://user@morgenblatt.example/request": "url_not_https",
		"https://morgenblatt.example:22/request": "url_port",
	} {
		t.Run("WREQ-013/"+uri, func(t *testing.T) {
			r := newRig(t)
			r.fetch = fetch.New(fetch.Config{})
			r.open(nil)
			q := r.question()
			q.link.Set("request_uri", uri)
			r.refused(q, want)
		})
	}
}

func TestAskRedirects(t *testing.T) {
	t.Run("WREQ-015", func(t *testing.T) {
		for _, status := range []int{302, 307} {
			r := newRig(t)
			q := r.question()
			q.serve = func(w http.ResponseWriter, req *http.Request) {
				http.Redirect(w, req, r.url("/elsewhere"), status)
			}
			r.refused(q, "redirect_not_allowed")
		}
	})
}

// TestAskUnknownAsker: someone nobody vouches for gets a warning page, and
// nothing can be sent to them by any call.
func TestAskUnknownAsker(t *testing.T) {
	t.Run("WREQ-017", func(t *testing.T) {
		r := newRig(t)
		q := r.question()
		q.signer = r.stranger
		q.clientID = "x509_hash:" + leafHash(r.stranger)
		q.object["client_id"] = q.clientID
		q.link.Set("client_id", q.clientID)
		p := r.mustAsk(q)
		if p.Kind != wallet.KindUnverified || p.Asker.Verified || p.Asker.Name != "" || len(p.Required)+len(p.Optional) != 0 {
			t.Fatalf("an unknown asker is shown as %+v", p)
		}
		if _, err := r.wallet.Present(t.Context(), p.ID, p.Digest, nil); wallet.ReasonOf(err) != wallet.CodeProposalGone {
			t.Fatalf("present: %v", err)
		}
		if _, err := r.wallet.Refuse(t.Context(), p.ID); wallet.ReasonOf(err) != wallet.CodeProposalGone {
			t.Fatalf("refuse: %v", err)
		}
		var never *openid4vp.Request
		if _, err := never.Refuse(t.Context(), nil, openid4vp.CodeInvalidRequest); wallet.ReasonOf(err) != "unauthenticated_request" {
			t.Fatalf("an answer to nobody: %v", err)
		}
		if len(r.posted()) != 0 {
			t.Fatal("something was sent")
		}
	})
}

func TestAskNames(t *testing.T) {
	t.Run("WREQ-025", func(t *testing.T) {
		r := newRig(t)
		q := r.question()
		q.object["client_metadata"].(map[string]any)["client_name"] = "Your Bank ✓"
		if p := r.mustAsk(q); p.Asker.Name != "Morgenblatt" || strings.Contains(fmt.Sprint(p), "Your Bank") {
			t.Fatalf("the page shows %+v", p.Asker)
		}
	})
	for name, shown := range map[string]string{
		"Mоrgenblatt":                 "Mоrgenblatt", // Cyrillic о
		"Morgen\u202eblatt":           "Morgenblatt",
		strings.Repeat("Morgen", 900): strings.Repeat("Morgen", 900)[:wallet.MaxName],
	} {
		t.Run("WREQ-026/"+shown[:8], func(t *testing.T) {
			r := newRig(t)
			r.open(named(name))
			p := r.mustAsk(r.question())
			if p.Asker.Name != shown || !p.Asker.Suspicious || p.Asker.Domain != "xn--mrgenblatt-0jg.example" {
				t.Fatalf("shown as %+v", p.Asker)
			}
		})
	}
	t.Run("plain names are not suspicious", func(t *testing.T) {
		r := newRig(t)
		if p := r.mustAsk(r.question()); p.Asker.Suspicious || p.Asker.Register["en"] != "media register" {
			t.Fatalf("shown as %+v", p.Asker)
		}
	})
}

type named string

func (n named) Verifier(context.Context, string, []string, time.Time) (*credentials.Party, error) {
	return &credentials.Party{ID: "n", Name: string(n), Domain: "xn--mrgenblatt-0jg.example"}, nil
}

// TestAskNeverAnswersByItself: asking again and again, with values that probe,
// tells the asker nothing.
func TestAskNeverAnswersByItself(t *testing.T) {
	t.Run("WREQ-029", func(t *testing.T) {
		r := newRig(t)
		r.receive()
		for _, value := range []bool{true, false} {
			q := r.question()
			query := ageQuery()
			query.Credentials[0].Claims[0].Values = []any{value}
			q.object["dcql_query"] = query
			r.mustAsk(q)
		}
		if len(r.posted()) != 0 {
			t.Fatal("silent_probe: the wallet answered without a tap")
		}
	})
}

func TestProposalsAreApart(t *testing.T) {
	t.Run("WREQ-030", func(t *testing.T) {
		r := newRig(t)
		r.receive()
		one, two := r.question(), r.question()
		two.object["nonce"] = "another-nonce-altogether"
		first, second := r.mustAsk(one), r.mustAsk(two)
		if _, err := r.wallet.Refuse(t.Context(), first.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := r.wallet.Proposal(first.ID); err == nil {
			t.Fatal("the dismissed one is still open")
		}
		if _, err := r.wallet.Present(t.Context(), second.ID, second.Digest, nil); err != nil {
			t.Fatalf("session_isolation: dismissing one took the other along: %v", err)
		}
	})
}

// TestCrossDevice: that a request was started on another screen is what the
// asker signed, and consent is to a page that said so.
func TestCrossDevice(t *testing.T) {
	for flow, want := range map[string]bool{"": false, openid4vp.FlowSameDevice: false, openid4vp.FlowCrossDevice: true} {
		r := newRig(t)
		r.prefer(liked)
		q := r.question()
		q.flow = flow
		if p := r.mustAsk(q.prefer(t, r)); p.CrossDevice != want {
			t.Errorf("flow %q: cross-device %v", flow, p.CrossDevice)
		}
	}
}

// TestAskedIntoAnotherLog: who is known and writes into another log than the
// last time is noticed, once.
func TestAskedIntoAnotherLog(t *testing.T) {
	r := newRig(t)
	r.prefer(liked)
	for _, step := range []struct {
		key   string
		moved bool
	}{{"", false}, {"", false}, {"2", true}, {"2", false}} {
		q := r.question()
		q.logKey = step.key
		p := r.mustAsk(q.prefer(t, r))
		if p.LogMoved != step.moved {
			t.Errorf("key %q: moved %t", step.key, p.LogMoved)
		}
		if _, err := r.present(p, "home.topics"); err != nil {
			t.Fatal(err)
		}
	}
}
