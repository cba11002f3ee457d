package wallet_test

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/openid4vci"
	"facet/issuer"
	"facet/store"
	"facet/wallet"
)

// An office is a running issuer. The engine is the real one; a test may put its
// own credentials into the answer.
type office struct {
	*issuer.Issuer
	url string
	// answer replaces what the credential endpoint issues, for these keys.
	answer func(keys []*jose.PublicKey) []string
	vct    string // instead of the type its metadata name
	proofs int
}

var adult = claims.Set{"age_equal_or_over": map[string]any{"12": true, "16": true, "18": true, "65": false}}

func (r *rig) openOffice() *office {
	r.t.Helper()
	o := &office{}
	server := httptest.NewServer(http.HandlerFunc(o.handle))
	r.t.Cleanup(server.Close)
	o.url = "http://buergeramt.localhost:" + server.URL[strings.LastIndexByte(server.URL, ':')+1:]
	var err error
	o.Issuer, err = issuer.New(context.Background(), issuer.Config{
		URL: o.url, Store: store.Memory(), Now: func() time.Time { return r.now },
		Configurations: map[string]issuer.Configuration{"age": {
			VCT: "urn:facet:age:1", Signer: r.office, X5C: r.office.x5c, Validity: 365 * 24 * time.Hour,
			Disclose: []claims.Path{
				{"age_equal_or_over", "12"}, {"age_equal_or_over", "16"}, {"age_equal_or_over", "18"}, {"age_equal_or_over", "65"},
			},
		}},
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return o
}

func (o *office) handle(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var answer any
	var err error
	switch path := r.URL.Path; {
	case path == openid4vci.WellKnownIssuer:
		answer = o.metadata()
	case path == openid4vci.WellKnownServer:
		answer = o.ServerMetadata()
	case strings.HasPrefix(path, issuer.PathOffers):
		answer, err = o.Offer(r.Context(), strings.TrimPrefix(path, issuer.PathOffers))
	case path == issuer.PathToken:
		answer, err = o.Token(r.Context(), body)
	case path == issuer.PathNonce:
		answer = o.Nonce()
	case path == issuer.PathCredential:
		answer, err = o.credential(r, body)
	}
	status := http.StatusOK
	if err != nil {
		status, answer = http.StatusBadRequest, openid4vci.Wire(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func (o *office) metadata() *openid4vci.IssuerMetadata {
	m := o.Metadata()
	if o.vct != "" {
		m.Configurations = maps.Clone(m.Configurations)
		for id, c := range m.Configurations {
			c.VCT = o.vct
			m.Configurations[id] = c
		}
	}
	return m
}

func (o *office) credential(r *http.Request, body []byte) (any, error) {
	token, err := openid4vci.BearerToken(r.Header.Get("Authorization"))
	if err != nil {
		return nil, err
	}
	request, err := openid4vci.ParseCredentialRequest(body)
	if err != nil {
		return nil, err
	}
	o.proofs = len(request.JWTProofs())
	if o.answer == nil {
		return o.Credential(r.Context(), token, body)
	}
	var keys []*jose.PublicKey
	for _, proof := range request.JWTProofs() {
		token, err := jose.Parse(proof, jose.Rule{Typ: []string{openid4vci.TypProof}, AllowJWK: true})
		if err != nil {
			return nil, err
		}
		keys = append(keys, token.Header().JWK)
	}
	answer := openid4vci.CredentialResponse{}
	for _, c := range o.answer(keys) {
		answer.Credentials = append(answer.Credentials, openid4vci.IssuedCredential{Credential: c})
	}
	return answer, nil
}

// offer is a letter from the office: a link and a code.
func (o *office) letter(t testing.TB) (link, code string) {
	t.Helper()
	made, err := o.NewOffer(t.Context(), issuer.OfferRequest{Subjects: map[string]claims.Set{"age": adult}, Description: "Der Brief vom 18. November"})
	if err != nil {
		t.Fatal(err)
	}
	return openid4vci.ReceiveURL("http://wallet.localhost:8080", made.URL), string(secretText(made.TxCode))
}

// secretText reads what Secret hides from printing.
func secretText(s openid4vci.Secret) string { return string([]byte(s)) }

// issue signs a proof of age as the office would.
func (r *rig) issue(key *jose.PublicKey, change func(*credentials.Issuance)) string {
	r.t.Helper()
	i := credentials.Issuance{
		VCT: "urn:facet:age:1", Subject: adult.Clone(), Holder: key, ExpiresAt: r.now.AddDate(1, 0, 0),
		Disclose: []claims.Path{{"age_equal_or_over", "12"}, {"age_equal_or_over", "18"}},
	}
	if change != nil {
		change(&i)
	}
	sd, err := credentials.Issue(context.Background(), r.office, r.office.x5c, i)
	if err != nil {
		r.t.Fatal(err)
	}
	return sd
}

// receive puts a proof of age into the wallet.
func (r *rig) receive() wallet.Accepted {
	r.t.Helper()
	o := r.openOffice()
	link, code := o.letter(r.t)
	offer, err := r.wallet.Offer(r.t.Context(), wallet.OfferSource{URL: link})
	if err != nil {
		r.t.Fatalf("offer: %v", err)
	}
	got, err := r.wallet.Accept(r.t.Context(), offer.OfferID, wallet.Acceptance{TxCode: code, Confirmed: true})
	if err != nil {
		r.t.Fatalf("accept: %v", err)
	}
	return got
}

// accept fetches whatever o answers.
func (r *rig) accept(o *office) (wallet.Accepted, error) {
	r.t.Helper()
	link, code := o.letter(r.t)
	offer, err := r.wallet.Offer(r.t.Context(), wallet.OfferSource{URL: link})
	if err != nil {
		r.t.Fatalf("offer: %v", err)
	}
	return r.wallet.Accept(r.t.Context(), offer.OfferID, wallet.Acceptance{TxCode: code, Confirmed: true})
}
