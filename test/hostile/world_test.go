package hostile

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/credentials/sdjwt"
	"facet/examples/newsroom"
	"facet/fetch"
	"facet/policy"
	"facet/verifier"
)

// soak says that full counts are asked for (make soak).
var soak = os.Getenv("FACET_SOAK") == "1"

// times is how often something is done: full in a soak, part otherwise.
func times(part, full int) int {
	if soak {
		return full
	}
	return part
}

const (
	platformID = "news"
	returnURI  = "http://news.localhost:8083/facet/callback"
	vctMember  = "urn:facet:media-membership:1"
	formType   = "application/x-www-form-urlencoded"
)

// A clock is moved by hand, or runs (zero).
type clock struct{ ahead atomic.Int64 }

func (c *clock) Now() time.Time          { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// An identity is a key and the chain that vouches for it.
type identity struct {
	key *jose.PrivateKey
	x5c []string
}

// A world is everybody but the verifier: a register, an issuer of memberships,
// a paper and its policies, and one holder's membership.
type world struct {
	trust        *credentials.TrustList
	issuer, news identity
	policies     []*policy.Policy
	holder       *jose.PrivateKey
	membership   sdjwt.Holding
}

var theWorld = sync.OnceValue(func() *world {
	w := &world{}
	anchor, key := certificate("Register", nil, nil)
	w.issuer, w.news = vouched("Morgenblatt Abo", anchor, key), vouched("Morgenblatt", anchor, key)
	var err error
	w.trust, err = credentials.ParseTrustList(register(anchor))
	must(err)
	w.policies, err = newsroom.Policies()
	must(err)
	w.holder, err = jose.GenerateKey()
	must(err)
	full, err := credentials.Issue(context.Background(), w.issuer.key, w.issuer.x5c, credentials.Issuance{
		VCT: vctMember, Subject: map[string]any{"tier": "plus", "entitlements": []any{"archive"}, "valid_until": "2037-12-31"},
		Holder: w.holder.Public(), IssuedAt: time.Now(), ExpiresAt: time.Now().AddDate(1, 0, 0),
	})
	must(err)
	parsed, err := sdjwt.Parse(full)
	must(err)
	verified, err := parsed.Verify(w.issuer.key.Public(), sdjwt.VerifyOptions{})
	must(err)
	w.membership = *sdjwt.NewHolding(verified)
	return w
})

// must ends the test binary: the world cannot be made.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// certificate is an anchor's, or one that ca vouches for.
func certificate(organization string, ca *x509.Certificate, caKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	serial := sha256.Sum256(key.X.Bytes())
	c := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial[:8]), Subject: pkix.Name{CommonName: organization, Organization: []string{organization}},
		NotBefore: time.Now().AddDate(0, -1, 0), NotAfter: time.Now().AddDate(2, 0, 0), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: []string{"morgenblatt.example"},
	}
	if ca == nil {
		c.IsCA, c.KeyUsage, c.DNSNames = true, x509.KeyUsageCertSign, nil
		ca, caKey = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, ca, key.Public(), caKey)
	must(err)
	c, err = x509.ParseCertificate(der)
	must(err)
	return c, key
}

func vouched(organization string, ca *x509.Certificate, caKey *ecdsa.PrivateKey) identity {
	leaf, key := certificate(organization, ca, caKey)
	private, err := jose.PrivateKeyFromCrypto(key)
	must(err)
	return identity{private, []string{base64.StdEncoding.EncodeToString(leaf.Raw)}}
}

func register(anchor *x509.Certificate) []byte {
	der := base64.StdEncoding.EncodeToString(anchor.Raw)
	list, err := json.Marshal(map[string]any{
		"version": 1, "name": "hostile",
		"issuers": []any{map[string]any{"id": "abo", "name": "Morgenblatt Abo", "anchor": der, "vct": []string{vctMember},
			"leaf": map[string]any{"organization": "Morgenblatt Abo"}}},
		"verifiers": []any{map[string]any{"id": "news", "name": "Morgenblatt", "anchor": der, "domain": "morgenblatt.example",
			"leaf": map[string]any{"organization": "Morgenblatt"}}},
	})
	must(err)
	return list
}

// A request is what an honest wallet made of one transaction.
type request struct {
	*openid4vp.Request
	tx    string
	token openid4vp.VPToken
	offer *openid4vp.VerifiedOffer
	at    time.Time
}

// open reads a request object and signs an answer to it.
func (w *world) open(tx, clientID, jar string, at time.Time) (*request, error) {
	ctx := context.Background()
	u, err := openid4vp.ParseRequest(jar, openid4vp.Expect{ClientID: clientID})
	if err != nil {
		return nil, err
	}
	r := &request{tx: tx, token: openid4vp.VPToken{}, at: at}
	if r.Request, err = u.Authenticate(ctx, openid4vp.Authority{Verifiers: w.trust, Now: at}); err != nil {
		return nil, err
	}
	if r.offer, err = r.PolicyOffer(); err != nil {
		return nil, err
	}
	consent := sha256.Sum256([]byte("the page that was shown"))
	shown, err := w.membership.Present(ctx, []claims.Path{{"tier"}}, w.holder, sdjwt.KBClaims{
		Nonce: r.Nonce, Audience: r.ClientID, IssuedAt: at, Extra: map[string]any{"consent": base64.RawURLEncoding.EncodeToString(consent[:])},
	})
	r.token["member"] = []string{shown}
	return r, err
}

// seal encrypts the answer anew: another body every time, and each is right.
func (r *request) seal() []byte {
	k := &keeper{}
	_, err := r.Answer(context.Background(), k, r.token)
	must(err)
	return k.body
}

func (r *request) response(body []byte) verifier.Response {
	return verifier.Response{ID: path.Base(r.ResponseURI), ContentType: formType, Body: body}
}

// prove makes the proof that the holder wants an act, such as withdrawing.
func (r *request) prove(w *world, act, endpoint string) string {
	payload, err := json.Marshal(map[string]any{"aud": endpoint, "act": act, "iat": r.at.Unix()})
	must(err)
	proof, err := jose.Sign(context.Background(), w.holder, map[string]any{"typ": verifier.ProofType, "jwk": w.holder.Public().JWK()}, payload)
	must(err)
	return proof
}

// A keeper keeps what a wallet posts instead of sending it.
type keeper struct{ body []byte }

// Do implements fetch.Fetcher.
func (k *keeper) Do(_ context.Context, r fetch.Request) (*fetch.Response, error) {
	k.body = r.Body
	return &fetch.Response{Status: 200, ContentType: "application/json", Body: []byte("{}")}, nil
}

// codeOf is the response code in the address a holder is sent back to.
func codeOf(redirect string) string {
	u, err := url.Parse(redirect)
	if err != nil || !strings.HasPrefix(redirect, returnURI) {
		return ""
	}
	return u.Query().Get("response_code")
}

// reason is the stable code an error carries, "" for none.
func reason(err error) string {
	var r interface{ Reason() string }
	if errors.As(err, &r) {
		return r.Reason()
	}
	return ""
}

// A tally counts how attempts made at once ended: by reason, "" for success.
type tally map[string]int

// atOnce makes n attempts at once and counts them.
func atOnce(n int, attempt func(i int) error) tally {
	ends := make([]error, n)
	var ready, done sync.WaitGroup
	ready.Add(n)
	start := make(chan struct{})
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-start
			ends[i] = attempt(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	out := tally{}
	for _, err := range ends {
		name := reason(err)
		if err != nil && name == "" {
			name = err.Error()
		}
		out[name]++
	}
	return out
}

// want fails unless exactly so many attempts succeeded and every other ended
// for one of the reasons.
func (c tally) want(t *testing.T, what string, successes int, reasons ...string) {
	t.Helper()
	rest := 0
	for _, r := range reasons {
		rest += c[r]
	}
	sum := 0
	for _, n := range c {
		sum += n
	}
	if c[""] != successes || c[""]+rest != sum {
		t.Errorf("%s: %v, want %d to succeed and the others %s", what, map[string]int(c), successes, strings.Join(reasons, " or "))
	}
}
