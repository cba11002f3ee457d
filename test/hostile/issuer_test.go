package hostile

import (
	"encoding/base64"
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
	"facet/issuer"
)

const issuerURL = "https://issuer.example"

// An office is two issuers on one backend.
type office struct {
	t       *testing.T
	engines []*issuer.Issuer
	wallet  *jose.PrivateKey
}

func newOffice(t *testing.T, b backend) *office {
	t.Helper()
	w := theWorld()
	o := &office{t: t, wallet: w.holder}
	for range 2 {
		i, err := issuer.New(t.Context(), issuer.Config{URL: issuerURL, Store: b.store, Now: time.Now, Configurations: map[string]issuer.Configuration{
			"abo": {VCT: vctMember, Signer: w.issuer.key, X5C: w.issuer.x5c, Validity: 30 * 24 * time.Hour, StatusSize: 1 << 16},
		}})
		check(t, err)
		o.engines = append(o.engines, i)
	}
	return o
}

func (o *office) at(i int) *issuer.Issuer { return o.engines[i%len(o.engines)] }

// offer makes an offer and reads it as a wallet does.
func (o *office) offer() openid4vci.TokenRequest {
	o.t.Helper()
	made, err := o.at(0).NewOffer(o.t.Context(), issuer.OfferRequest{Subjects: map[string]claims.Set{"abo": {"tier": "plus"}}})
	check(o.t, err)
	read, err := o.at(1).Offer(o.t.Context(), made.ID)
	check(o.t, err)
	return openid4vci.TokenRequest{Code: read.Grants.PreAuthorized.Code, TxCode: made.TxCode, HasTxCode: true}
}

// token redeems an offer, a hundred times at once.
func (o *office) token() openid4vci.Secret {
	o.t.Helper()
	form := o.offer().Form()
	var mu sync.Mutex
	var token openid4vci.Secret
	atOnce(attempts, func(i int) error {
		got, err := o.at(i).Token(o.t.Context(), form)
		if err == nil {
			mu.Lock()
			token = got.AccessToken
			mu.Unlock()
		}
		return err
	}).want(o.t, "one pre-authorized code", 1, "code_used")
	return token
}

// ask sends one proof for one copy, and notes its place in the status list.
func (o *office) ask(i int, token openid4vci.Secret, nonce string, places *sync.Map) error {
	proof, err := openid4vci.BuildProof(o.t.Context(), o.wallet, openid4vci.ProofClaims{Audience: issuerURL, Nonce: nonce, IssuedAt: time.Now()})
	if err != nil {
		return err
	}
	body, err := json.Marshal(openid4vci.CredentialRequest{ConfigurationID: "abo", Proofs: map[string][]string{"jwt": {proof}}})
	if err != nil {
		return err
	}
	got, err := o.at(i).Credential(o.t.Context(), token, body)
	if err != nil {
		return err
	}
	place, err := statusPlace(got.Credentials[0].Credential)
	if err != nil {
		return err
	}
	if _, twice := places.LoadOrStore(place, true); twice {
		return errors.New("two credentials share an entry of the status list")
	}
	return nil
}

func statusPlace(sd string) (int64, error) {
	part := strings.Split(sd, ".")
	raw, err := base64.RawURLEncoding.DecodeString(part[1])
	if err != nil {
		return 0, err
	}
	var payload struct {
		Status struct {
			List struct {
				Index *int64 `json:"idx"`
			} `json:"status_list"`
		} `json:"status"`
	}
	if err := json.Unmarshal(raw, &payload); err != nil || payload.Status.List.Index == nil {
		return 0, fmt.Errorf("no status: %w", err)
	}
	return *payload.Status.List.Index, nil
}

// TestIssuerSingleUse: a hundred attempts at once on a pre-authorized code, on
// its transaction code, on a nonce, on the copies of one token and on places in
// the status list.
func TestIssuerSingleUse(t *testing.T) {
	for _, b := range backends(t, 4, 1000) {
		t.Run(b.name, func(t *testing.T) {
			o := newOffice(t, b)
			var places sync.Map
			for range b.rounds {
				o.guess()
				nonce := o.at(0).Nonce().Nonce
				token := o.token()
				atOnce(attempts, func(i int) error { return o.ask(i, token, nonce, &places) }).
					want(t, "one nonce", 1, "c_nonce_used")
				atOnce(attempts, func(i int) error { return o.ask(i, token, o.at(i).Nonce().Nonce, &places) }).
					want(t, "copies of one token", issuer.DefaultBatch-1, "copies_exhausted")
				if t.Failed() {
					return
				}
			}
		})
	}
}

// guess tries a hundred wrong transaction codes at once: no more are compared
// than are allowed, and the right one comes too late.
func (o *office) guess() {
	o.t.Helper()
	r := o.offer()
	right := r.TxCode
	atOnce(attempts, func(i int) error {
		wrong := r
		if wrong.TxCode = openid4vci.Secret(fmt.Sprintf("%06d", i)); wrong.TxCode == right {
			wrong.TxCode = "999999"
		}
		_, err := o.at(i).Token(o.t.Context(), wrong.Form())
		var e *openid4vci.Error
		if errors.As(err, &e) && e.Reason() == "tx_code_wrong" {
			return nil // a guess that was compared
		}
		return err
	}).want(o.t, "guesses", issuer.TxCodeTries, "tx_code_attempts")
	if _, err := o.at(0).Token(o.t.Context(), r.Form()); reason(err) != "tx_code_attempts" {
		o.t.Errorf("the right code after too many wrong ones: %v", err)
	}
}
