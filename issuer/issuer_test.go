package issuer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/openid4vci"
	"facet/credentials/statuslist"
	"facet/store"
)

const issuerURL = "https://issuer.example"

// rig is an issuer with a clock that a test moves.
type rig struct {
	*Issuer
	t     *testing.T
	now   time.Time
	store store.Store
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, now: time.Date(2026, 11, 22, 12, 34, 56, 0, time.UTC), store: store.Memory()}
	var err error
	if r.Issuer, err = New(t.Context(), r.config()); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) config() Config {
	return Config{
		URL: issuerURL, Store: r.store, Now: func() time.Time { return r.now },
		Configurations: map[string]Configuration{
			"age": {VCT: "urn:facet:age:1", Signer: newKey(r.t), X5C: []string{"AAAA"}, Validity: 30 * 24 * time.Hour,
				StatusSize: 1000, Disclose: []claims.Path{{"age_equal_or_over", "18"}, {"absent"}}},
			"abo": {VCT: "urn:facet:media-membership:1", Signer: newKey(r.t), X5C: []string{"AAAA"}, Validity: 30 * 24 * time.Hour, StatusSize: 1000},
		},
	}
}

func newKey(t *testing.T) *jose.PrivateKey {
	t.Helper()
	k, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var adult = claims.Set{"age_equal_or_over": map[string]any{"18": true}}

// offer makes an offer and fetches it, as a wallet would.
func (r *rig) offer(q OfferRequest) (*Offered, openid4vci.TokenRequest) {
	r.t.Helper()
	if q.Subjects == nil {
		q.Subjects = map[string]claims.Set{"age": adult}
	}
	offered, err := r.NewOffer(r.t.Context(), q)
	if err != nil {
		r.t.Fatal(err)
	}
	fetched, err := r.Offer(r.t.Context(), offered.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	return offered, openid4vci.TokenRequest{Code: fetched.Grants.PreAuthorized.Code, TxCode: offered.TxCode, HasTxCode: !q.WithoutCode}
}

func (r *rig) token() openid4vci.Secret {
	r.t.Helper()
	_, q := r.offer(OfferRequest{})
	answer, err := r.Token(r.t.Context(), q.Form())
	if err != nil {
		r.t.Fatal(err)
	}
	return answer.AccessToken
}

// proofs are n keys' proofs over one nonce.
func (r *rig) proofs(n int, nonce string) []string {
	r.t.Helper()
	var list []string
	for range n {
		compact, err := openid4vci.BuildProof(r.t.Context(), newKey(r.t), openid4vci.ProofClaims{Audience: issuerURL, Nonce: nonce, IssuedAt: r.now})
		if err != nil {
			r.t.Fatal(err)
		}
		list = append(list, compact)
	}
	return list
}

func (r *rig) ask(token openid4vci.Secret, id string, proofs []string) (*openid4vci.CredentialResponse, error) {
	r.t.Helper()
	return r.send(token, openid4vci.CredentialRequest{ConfigurationID: id, Proofs: map[string][]string{"jwt": proofs}})
}

func (r *rig) send(token openid4vci.Secret, q openid4vci.CredentialRequest) (*openid4vci.CredentialResponse, error) {
	r.t.Helper()
	body, err := json.Marshal(q)
	if err != nil {
		r.t.Fatal(err)
	}
	return r.Credential(r.t.Context(), token, body)
}

func wantError(t *testing.T, err error, code, reason string) *openid4vci.Error {
	t.Helper()
	var e *openid4vci.Error
	if !errors.As(err, &e) || e.Code != code || e.Reason() != reason {
		t.Fatalf("got %v, want %s (%s)", err, code, reason)
	}
	return e
}

func TestHostileTokenRequests(t *testing.T) {
	t.Run("VCI-001", func(t *testing.T) {
		r := newRig(t)
		offered, q := r.offer(OfferRequest{})
		if _, err := r.Token(t.Context(), q.Form()); err != nil {
			t.Fatal(err)
		}
		_, err := r.Token(t.Context(), q.Form())
		wantError(t, err, "invalid_grant", "code_used")
		_, err = r.Offer(t.Context(), offered.ID)
		wantError(t, err, "invalid_request", "code_used")
		if done, err := r.Redeemed(t.Context(), offered.ID); !done || err != nil {
			t.Fatalf("redeemed: %v, %v", done, err)
		}
	})
	t.Run("VCI-003", func(t *testing.T) {
		r := newRig(t)
		offered, q := r.offer(OfferRequest{})
		r.now = r.now.Add(DefaultOfferTTL)
		_, err := r.Token(t.Context(), q.Form())
		wantError(t, err, "invalid_grant", "code_expired")
		_, err = r.Offer(t.Context(), offered.ID)
		wantError(t, err, "invalid_request", "offer_expired")
	})
	t.Run("VCI-004", func(t *testing.T) {
		r := newRig(t)
		_, q := r.offer(OfferRequest{})
		wrong := q
		wrong.TxCode = other(q.TxCode)
		_, err := r.Token(t.Context(), wrong.Form())
		if e := wantError(t, err, "invalid_grant", "tx_code_wrong"); e.TriesLeft != TxCodeTries-1 {
			t.Fatalf("%d tries left", e.TriesLeft)
		}
		if _, err := r.Token(t.Context(), q.Form()); err != nil {
			t.Fatalf("the code did not survive: %v", err)
		}
	})
	t.Run("VCI-005", func(t *testing.T) {
		r := newRig(t)
		_, q := r.offer(OfferRequest{})
		wrong := q
		wrong.TxCode = other(q.TxCode)
		for left := TxCodeTries - 1; left >= 0; left-- {
			_, err := r.Token(t.Context(), wrong.Form())
			if e := wantError(t, err, "invalid_grant", "tx_code_wrong"); e.TriesLeft != left {
				t.Fatalf("%d tries left, want %d", e.TriesLeft, left)
			}
		}
		for _, late := range []openid4vci.TokenRequest{wrong, q} {
			_, err := r.Token(t.Context(), late.Form())
			wantError(t, err, "invalid_grant", "tx_code_attempts")
		}
	})
	r := newRig(t)
	_, q := r.offer(OfferRequest{})
	q.HasTxCode = false
	_, err := r.Token(t.Context(), q.Form())
	wantError(t, err, "invalid_request", "tx_code_missing")
	_, q = r.offer(OfferRequest{WithoutCode: true})
	q.HasTxCode = true
	_, err = r.Token(t.Context(), q.Form())
	wantError(t, err, "invalid_request", "tx_code_unexpected")
	_, err = r.Token(t.Context(), openid4vci.TokenRequest{Code: "guess"}.Form())
	wantError(t, err, "invalid_grant", "code_unknown")
}

// other is a code of the same length that is not this one.
func other(code openid4vci.Secret) openid4vci.Secret {
	if code[0] == '0' {
		return "1" + code[1:]
	}
	return "0" + code[1:]
}

// TestRacingForOneCode: of many requests at once one gets a token, and guessing
// in parallel gets no more tries than guessing in turn.
func TestRacingForOneCode(t *testing.T) {
	r := newRig(t)
	_, q := r.offer(OfferRequest{})
	if n := race(8, func() bool { _, err := r.Token(context.Background(), q.Form()); return err == nil }); n != 1 {
		t.Fatalf("%d tokens for one code", n)
	}
	_, q = r.offer(OfferRequest{})
	q.TxCode = other(q.TxCode)
	tried := race(12, func() bool {
		_, err := r.Token(context.Background(), q.Form())
		var e *openid4vci.Error
		return errors.As(err, &e) && e.Reason() == "tx_code_wrong"
	})
	if tried > TxCodeTries {
		t.Fatalf("%d tries", tried)
	}
}

func race(n int, f func() bool) (won int) {
	results := make(chan bool, n)
	var all sync.WaitGroup
	for range n {
		all.Go(func() { results <- f() })
	}
	all.Wait()
	close(results)
	for ok := range results {
		if ok {
			won++
		}
	}
	return won
}

func TestHostileCredentialRequests(t *testing.T) {
	t.Run("VCI-007", func(t *testing.T) {
		r := newRig(t)
		nonce := r.Nonce().Nonce
		proofs := r.proofs(1, nonce)
		if _, err := r.ask(r.token(), "age", proofs); err != nil {
			t.Fatal(err)
		}
		_, err := r.ask(r.token(), "age", proofs)
		wantError(t, err, "invalid_nonce", "c_nonce_used")
		_, err = r.ask(r.token(), "age", r.proofs(1, nonce)) // another key, the old nonce
		wantError(t, err, "invalid_nonce", "c_nonce_used")
	})
	t.Run("VCI-014", func(t *testing.T) {
		r := newRig(t)
		for _, id := range []string{"nothing", "abo"} { // abo exists, but not for this token
			_, err := r.ask(r.token(), id, r.proofs(1, r.Nonce().Nonce))
			wantError(t, err, "unknown_credential_configuration", "unknown_configuration")
		}
	})
	t.Run("VCI-015", func(t *testing.T) {
		r := newRig(t)
		_, err := r.send(r.token(), openid4vci.CredentialRequest{Identifier: "age", Proofs: map[string][]string{"jwt": r.proofs(1, r.Nonce().Nonce)}})
		wantError(t, err, "unknown_credential_identifier", "unknown_identifier")
	})
	t.Run("VCI-019", func(t *testing.T) {
		r := newRig(t)
		token, nonce := r.token(), r.Nonce().Nonce
		_, err := r.ask(token, "age", r.proofs(DefaultBatch+1, nonce))
		wantError(t, err, "invalid_credential_request", "batch_limit")
		if _, err := r.ask(token, "age", r.proofs(DefaultBatch, nonce)); err != nil {
			t.Fatalf("a full batch after the refusal, which must burn no nonce: %v", err)
		}
		_, err = r.ask(token, "age", r.proofs(1, r.Nonce().Nonce))
		wantError(t, err, "credential_request_denied", "copies_exhausted")
	})
	r := newRig(t)
	token := r.token()
	_, err := r.ask("guess", "age", r.proofs(1, r.Nonce().Nonce))
	wantError(t, err, "invalid_token", "token_unknown")
	_, err = r.ask(token, "age", append(r.proofs(1, r.Nonce().Nonce), r.proofs(1, r.Nonce().Nonce)...))
	wantError(t, err, "invalid_nonce", "c_nonce_mixed")
	same := r.proofs(1, r.Nonce().Nonce)
	_, err = r.ask(token, "age", append(same, same...))
	wantError(t, err, "invalid_proof", "proof_key_duplicate")
	for _, made := range []string{"guess", "", newRig(t).Nonce().Nonce} {
		_, err = r.ask(token, "age", r.proofs(1, made))
		if made == "" {
			wantError(t, err, "invalid_nonce", "c_nonce_missing")
			continue
		}
		wantError(t, err, "invalid_nonce", "c_nonce_unknown")
	}
	old := r.Nonce().Nonce
	r.now = r.now.Add(NonceTTL)
	_, err = r.ask(token, "age", r.proofs(1, old))
	wantError(t, err, "invalid_nonce", "c_nonce_expired")
	r.now = r.now.Add(DefaultTokenTTL)
	_, err = r.ask(token, "age", r.proofs(1, r.Nonce().Nonce))
	wantError(t, err, "invalid_token", "token_expired")
}

// TestCopiesCannotBeLinked: no two copies share a key, salt, digest, signature
// or status entry, and all are dated by the day.
func TestCopiesCannotBeLinked(t *testing.T) {
	r := newRig(t)
	answer, err := r.ask(r.token(), "age", r.proofs(DefaultBatch, r.Nonce().Nonce))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	once := func(v string) {
		if seen[v] {
			t.Errorf("two copies share %q", v)
		}
		seen[v] = true
	}
	for _, c := range answer.Credentials {
		payload, disclosures := r.read(c)
		if len(disclosures) != 1 {
			t.Fatalf("%d disclosures, want the one the subject has", len(disclosures))
		}
		once(disclosures[0]) // salt and all; with it the digest
		ref, err := statuslist.ParseReference(payload["status"])
		if err != nil || ref.URI != issuerURL+"/status/age" {
			t.Fatalf("status %+v, %v", ref, err)
		}
		once(fmt.Sprint("index ", ref.Index))
		once(string(mustJSON(t, payload["cnf"])))
		at, _, err := jose.NumericDate(payload, "iat")
		if err != nil || at.Unix()%86400 != 0 {
			t.Errorf("issued at %v, not by the day, %v", at, err)
		}
	}
}

// read takes a copy apart without verifying it.
func (r *rig) read(c openid4vci.IssuedCredential) (payload map[string]any, disclosures []string) {
	r.t.Helper()
	parts := strings.Split(strings.TrimSuffix(c.Credential, "~"), "~")
	token, err := jose.Parse(parts[0], jose.Rule{Typ: []string{"dc+sd-jwt"}, AllowX5C: true})
	if err != nil {
		r.t.Fatal(err)
	}
	return token.UnverifiedClaims(), parts[1:]
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRevocationShowsInTheList(t *testing.T) {
	r := newRig(t)
	first, q := r.offer(OfferRequest{})
	token, err := r.Token(t.Context(), q.Form())
	if err != nil {
		t.Fatal(err)
	}
	revoked, err := r.ask(token.AccessToken, "age", r.proofs(3, r.Nonce().Nonce))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := r.ask(r.token(), "age", r.proofs(2, r.Nonce().Nonce))
	if err != nil {
		t.Fatal(err)
	}
	r.expect(kept, statuslist.Valid)
	r.expect(revoked, statuslist.Valid)
	if err := r.Revoke(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	r.expect(revoked, statuslist.Invalid)
	r.expect(kept, statuslist.Valid)
	before, err := r.StatusList(t.Context(), "age")
	if err != nil {
		t.Fatal(err)
	}
	r.now = r.now.Add(StatusTTL)
	if after, err := r.StatusList(t.Context(), "age"); err != nil || after == before {
		t.Fatalf("the list is not made anew after its time, %v", err)
	}
	_, err = r.StatusList(t.Context(), "nothing")
	wantError(t, err, "unknown_credential_configuration", "unknown_configuration")
}

// expect reads the published list for each copy's entry.
func (r *rig) expect(answer *openid4vci.CredentialResponse, want statuslist.Status) {
	r.t.Helper()
	compact, err := r.StatusList(r.t.Context(), "age")
	if err != nil {
		r.t.Fatal(err)
	}
	token, err := statuslist.Parse(compact)
	if err != nil {
		r.t.Fatal(err)
	}
	inner := token.UnverifiedClaims()["status_list"].(map[string]any)
	list, err := statuslist.Decode(statuslist.Encoded{Bits: 1, List: inner["lst"].(string)})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, c := range answer.Credentials {
		payload, _ := r.read(c)
		ref, err := statuslist.ParseReference(payload["status"])
		if err != nil {
			r.t.Fatal(err)
		}
		if got, err := list.Get(ref.Index); err != nil || got != want {
			r.t.Fatalf("entry is %v, %v, want %v", got, err, want)
		}
	}
}

func TestSweepKeepsWhatIsNeeded(t *testing.T) {
	r := newRig(t)
	token := r.token()
	if _, err := r.ask(token, "age", r.proofs(1, r.Nonce().Nonce)); err != nil {
		t.Fatal(err)
	}
	count := func() (n int) {
		for _, prefix := range sweepable {
			for _, err := range r.store.Keys(t.Context(), prefix, "") {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
		}
		return n
	}
	if err := r.Sweep(t.Context()); err != nil || count() != 4 {
		t.Fatalf("%d records before their time, %v, want offer, code, token and nonce", count(), err)
	}
	r.now = r.now.Add(time.Hour)
	if err := r.Sweep(t.Context()); err != nil || count() != 0 {
		t.Fatalf("%d records after their time, %v", count(), err)
	}
	if _, _, err := r.store.Get(t.Context(), keyNonceKey); err != nil {
		t.Fatalf("the key of the nonces: %v", err)
	}
}

// TestStoreHoldsNoUsableToken: who reads the store cannot redeem or fetch.
func TestStoreHoldsNoUsableToken(t *testing.T) {
	r := newRig(t)
	_, q := r.offer(OfferRequest{})
	token, err := r.Token(t.Context(), q.Form())
	if err != nil {
		t.Fatal(err)
	}
	for key, err := range r.store.Keys(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		value, _, err := r.store.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{string(token.AccessToken), string(q.Code), string(q.TxCode)} {
			if strings.Contains(key+string(value), `"`+secret+`"`) || strings.Contains(key, secret) {
				t.Errorf("%s holds a secret after redemption", key)
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	r := newRig(t)
	for name, twist := range map[string]func(*Config){
		"no store":         func(c *Config) { c.Store = nil },
		"no clock":         func(c *Config) { c.Now = nil },
		"slash":            func(c *Config) { c.URL += "/" },
		"relative":         func(c *Config) { c.URL = "issuer" },
		"nothing to issue": func(c *Config) { c.Configurations = nil },
		"id with a slash":  func(c *Config) { c.Configurations = map[string]Configuration{"a/b": c.Configurations["age"]} },
		"no signer":        func(c *Config) { k := c.Configurations["age"]; k.Signer = nil; c.Configurations["age"] = k },
		"short validity":   func(c *Config) { k := c.Configurations["age"]; k.Validity = time.Hour; c.Configurations["age"] = k },
		"batch too large":  func(c *Config) { c.Batch = openid4vci.MaxProofs + 1 },
	} {
		t.Run(name, func(t *testing.T) {
			c := r.config()
			twist(&c)
			if _, err := New(t.Context(), c); err == nil {
				t.Fatal("accepted")
			}
		})
	}
	again, err := New(t.Context(), r.config())
	if err != nil || string(again.nonces.key) != string(r.nonces.key) {
		t.Fatalf("a second process has another nonce key, %v", err)
	}
	_, err = r.NewOffer(t.Context(), OfferRequest{Subjects: map[string]claims.Set{"nothing": {}}})
	wantError(t, err, "unknown_credential_configuration", "unknown_configuration")
}
