package main

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"facet/credentials/jose"
)

// notInAToken are the hostile cases that no single token shows, with what would
// have to be known besides.
var notInAToken = map[string]string{
	"JOSE-014":  "which claims the reader needs",
	"JOSE-022":  "which kind of token was expected",
	"JOSE-024":  "which type was expected; see SDJWT-041 and the key binding JWT",
	"SDJWT-039": "that the verifier demands exp",
	"SDJWT-042": "who the verifier is",
	"SDJWT-044": "nothing: it is accepted",
	"SDJWT-045": "nothing: it is accepted",
	"SDJWT-050": "that it came from the issuer",
	"SDJWT-051": "which key the wallet sent",
	"SDJWT-053": "the other copies of the batch",
	"SSRF-030":  "the type metadata",
	"X509-011":  "that the verifier demands the extended key usage",
	"X509-020":  "the trust list",
	"X509-022":  "the revocation list",
	"TSL-001":   "the status list",
	"TSL-007":   "where the list was fetched",
	"TSL-008":   "whose credential it is about",
	"TSL-012":   "what a verifier fetches",
	"TSL-013":   "how it was served",
	"TSL-014":   "the status list",
}

// A hostile maker writes tokens as attackers do.
type maker struct {
	t   *testing.T
	key *jose.PrivateKey
}

func (m maker) sign(header, payload string) string {
	m.t.Helper()
	input := b64(header) + "." + b64(payload)
	signature, err := m.key.Sign(m.t.Context(), []byte(input))
	if err != nil {
		m.t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func (m maker) jwt(more, payload string) string {
	return m.sign(`{"alg":"ES256","typ":"JWT"`+more+`}`, payload)
}

func (m maker) sd(payload string, disclosures ...string) string {
	out := m.sign(`{"alg":"ES256","typ":"dc+sd-jwt"}`, payload) + "~"
	for _, d := range disclosures {
		out += b64(d) + "~"
	}
	return out
}

func (m maker) status(list string, more string) string {
	return m.sign(`{"alg":"ES256","typ":"statuslist+jwt"}`,
		`{"sub":"https://x.example/1","iat":`+strconv.FormatInt(time.Now().Add(-time.Minute).Unix(), 10)+more+`,"status_list":{"bits":1,"lst":"`+list+`"}}`)
}

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

func digestOf(disclosure string) string {
	sum := sha256.Sum256([]byte(b64(disclosure)))
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:]) + `"`
}

// hides is a payload whose _sd has these disclosures.
func hides(disclosures ...string) string {
	var digests []string
	for _, d := range disclosures {
		digests = append(digests, digestOf(d))
	}
	return `{"_sd":[` + strings.Join(digests, ",") + `]}`
}

// TestInspectHostileCases: facet inspect says of every hostile token what is
// wrong with it: one sentence, and the reason code a verifier gives.
func TestInspectHostileCases(t *testing.T) {
	key, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	m := maker{t, key}
	jwk, err := json.Marshal(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	keyFile := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(keyFile, jwk, 0o600); err != nil {
		t.Fatal(err)
	}
	cases := map[string]string{}
	maps.Copy(cases, m.signatures())
	maps.Copy(cases, m.encrypted())
	maps.Copy(cases, m.selective(string(jwk)))
	maps.Copy(cases, m.lists())
	chains, anchor := chainCases(t)
	for id, reason := range inspectedRows(t) {
		if notInAToken[id] != "" {
			continue
		}
		t.Run(id, func(t *testing.T) {
			input, args := cases[id], []string{"--key", keyFile}
			if chain, ok := chains[id]; ok {
				input, args = chain, []string{"--anchor", anchor}
			}
			if input == "" {
				t.Fatal("no token of this case")
			}
			out, err := inspect(t, input, args...)
			if err == nil {
				t.Error("exit code 0")
			}
			if !oneSentence(out, reason) {
				t.Errorf("no sentence with [%s]:\n%.2000s", reason, out)
			}
		})
	}
}

// oneSentence reports whether a line says why and ends with the reason.
func oneSentence(out, reason string) bool {
	return regexp.MustCompile(`(?m)^  (malformed|WRONG) .*[A-Z][^\n]*\.  \[` + regexp.QuoteMeta(reason) + `\]$`).MatchString(out)
}

// inspectedRows are the rows about tokens, with the reason of each.
func inspectedRows(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open(filepath.Join(vectors, "badcases.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows := map[string]string{}
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		cols := strings.Split(sc.Text(), "\t")
		if len(cols) >= 7 && slices.Contains([]string{"JOSE", "X509", "SDJWT", "STATUS"}, cols[1]) {
			rows[cols[0]] = cols[6]
		}
	}
	for id := range notInAToken {
		if rows[id] == "" {
			t.Errorf("%s is no row", id)
		}
	}
	if len(rows) < 80 {
		t.Fatalf("only %d rows", len(rows))
	}
	return rows
}

func (m maker) signatures() map[string]string {
	good := m.jwt("", `{}`)
	parts := strings.Split(good, ".")
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, good[len(good)-1])
	return map[string]string{
		"JOSE-001": b64(`{"alg":"none"}`) + ".e30.",
		"JOSE-002": b64(`{"alg":"nOnE"}`) + ".e30.",
		"JOSE-003": m.sign(`{"alg":"HS256"}`, `{}`),
		"JOSE-004": m.sign(`{"alg":"ES384","typ":"JWT"}`, `{}`),
		"JOSE-005": `{"protected":"` + b64(`{"typ":"dc+sd-jwt"}`) + `","header":{"alg":"ES256"},"payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`,
		"JOSE-006": m.jwt(`,"crit":["exp2"],"exp2":1`, `{}`),
		"JOSE-007": m.jwt(`,"crit":[]`, `{}`),
		"JOSE-008": m.jwt(`,"b64":false,"crit":["b64"]`, `{}`),
		"JOSE-010": m.jwt(`,"jku":"https://169.254.169.254/keys"`, `{}`),
		"JOSE-011": m.jwt(`,"kid":"a\u0000b"`, `{}`),
		"JOSE-012": m.jwt(`,"alg":"HS256"`, `{}`),
		"JOSE-015": good + "=",
		"JOSE-016": good[:10] + "\r\n" + good[10:],
		"JOSE-017": good[:len(good)-1] + alphabet[last+1:last+2],
		"JOSE-019": m.jwt(`,"x":"`+strings.Repeat("a", 1<<20)+`"`, `{}`),
		"JOSE-020": m.jwt("", `{"a":`+strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+`}`),
		"JOSE-023": m.jwt(`,"cty":"JWT"`, good),
		"JOSE-026": m.jwt("", `{"exp":1e400}`),
	}
}

func (m maker) encrypted() map[string]string {
	good := sealedFor(m.t)
	parts := strings.Split(good, ".")
	with := func(change func(h map[string]any)) string {
		b, err := base64.RawURLEncoding.DecodeString(parts[0])
		if err != nil {
			m.t.Fatal(err)
		}
		var h map[string]any
		if err := json.Unmarshal(b, &h); err != nil {
			m.t.Fatal(err)
		}
		change(h)
		if b, err = json.Marshal(h); err != nil {
			m.t.Fatal(err)
		}
		return b64(string(b)) + "." + strings.Join(parts[1:], ".")
	}
	zip := with(func(h map[string]any) { h["zip"] = "DEF" })
	return map[string]string{
		"JOSE-030": zip, "JOSE-031": zip,
		"JOSE-032": with(func(h map[string]any) { h["alg"], h["p2c"] = "PBES2-HS256+A128KW", 2000000000 }),
		"JOSE-033": with(func(h map[string]any) { h["alg"] = "RSA-OAEP" }),
		"JOSE-034": with(func(h map[string]any) { epk := h["epk"].(map[string]any); epk["y"] = epk["x"] }),
		"JOSE-035": with(func(h map[string]any) { h["enc"] = "A128CBC-HS256" }),
		"JOSE-036": strings.Join([]string{parts[0], "AAAA", parts[2], parts[3], parts[4]}, "."),
	}
}

// sealedFor is a sound encrypted token to nobody in particular.
func sealedFor(t *testing.T) string {
	t.Helper()
	key, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	token, err := jose.Encrypt([]byte(`{}`), key.Public(), jose.EncryptOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (m maker) selective(jwk string) map[string]string {
	name, twin, element := `["s","name","Ada"]`, `["t","name","Eva"]`, `["s","DE"]`
	nested := `["s","address",` + hides(name) + `]`
	forbidden := func(name string) string { d := `["s","` + name + `",1]`; return m.sd(hides(d), d) }
	one := func(d string) string { return m.sd(hides(d), d) }
	hidden := func(name string) string {
		d := `["s","` + name + `",1]`
		return m.sd(`{"vct":"urn:x","_sd":[`+digestOf(d)+`]}`, d)
	}
	flipped := strings.Split(m.sd(`{}`), ".")
	other := strings.Split(m.sd(`{"a":1}`), ".")
	return map[string]string{
		"SDJWT-001": flipped[0] + "." + other[1] + "." + flipped[2],
		"SDJWT-003": m.sd(`{"_sd":[` + digestOf(name) + `],"list":[{"...":` + digestOf(name) + `}]}`),
		"SDJWT-004": m.sd(hides(name, nested), name, nested),
		"SDJWT-005": m.sd(hides(name), name, name),
		"SDJWT-006": m.sd(`{}`, name),
		"SDJWT-007": m.sd(hides(nested), name),
		"SDJWT-008": forbidden("_sd"), "SDJWT-009": forbidden("..."), "SDJWT-010": forbidden("_sd_alg"),
		"SDJWT-012": m.sd(hides(name, twin), name, twin),
		"SDJWT-013": hidden("iss"), "SDJWT-015": hidden("exp"), "SDJWT-016": hidden("cnf"), "SDJWT-019": hidden("vct#integrity"),
		"SDJWT-020": one(element),
		"SDJWT-024": one(`[1,"a",1]`),
		"SDJWT-025": m.sd(`{"list":[{"...":`+digestOf(element)+`,"x":1}]}`, element),
		"SDJWT-026": m.sd(`{"...":"x"}`),
		"SDJWT-027": m.sd(`{"_sd":"x"}`),
		"SDJWT-029": m.sd(`{"_sd_alg":"md5"}`),
		"SDJWT-032": strings.TrimSuffix(m.sd(hides(name), name), "~"),
		"SDJWT-033": m.sd(`{}`) + "~",
		"SDJWT-037": m.sd(`{"vct":"urn:x","exp":1}`),
		"SDJWT-038": m.sd(`{"vct":"urn:x","nbf":4102444800}`),
		"SDJWT-041": m.sign(`{"alg":"ES256","typ":"JWT"}`, `{"vct":"urn:x","cnf":{"jwk":`+jwk+`}}`) + "~",
		"TSL-003":   m.sd(`{"vct":"urn:x","status":{"status_list":{"idx":-1,"uri":"https://x.example/1"}}}`),
	}
}

func (m maker) lists() map[string]string {
	pack := func(n int) string {
		var out bytes.Buffer
		z := zlib.NewWriter(&out)
		if _, err := z.Write(make([]byte, n)); err != nil {
			m.t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			m.t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(out.Bytes())
	}
	return map[string]string{
		"TSL-005": m.status(pack(16<<20+1), ""),
		"TSL-006": m.status(b64("not zlib"), ""),
		"TSL-009": m.status(pack(8), `,"ttl":0`),
	}
}

// chainCases are request objects whose certificates are at fault, and the file
// of the anchor to look at them with.
func chainCases(t *testing.T) (cases map[string]string, anchor string) {
	t.Helper()
	ca := newTestCA(t)
	anchor = filepath.Join(t.TempDir(), "root.pem")
	if err := os.WriteFile(anchor, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.root}), 0o600); err != nil {
		t.Fatal(err)
	}
	other := newTestCA(t)
	request := func(key *jose.PrivateKey, x5c []string, client string) string {
		list, err := json.Marshal(x5c)
		if err != nil {
			t.Fatal(err)
		}
		return maker{t, key}.sign(`{"alg":"ES256","typ":"oauth-authz-req+jwt","x5c":`+string(list)+`}`, `{"client_id":"`+client+`"}`)
	}
	leaf := func(twist func(*x509.Certificate)) string {
		key, x5c := ca.leaf(t, twist)
		return request(key, x5c, "x509_san_dns:client.example.org")
	}
	between, betweenKey := ca.make(t, func(c *x509.Certificate) { c.IsCA = false }, ca.rootCert, ca.rootKey)
	below, belowKey := ca.make(t, nil, between, betweenKey)
	small, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	weak := ca.sign(t, nil, ca.rootCert, ca.rootKey, small.Public())
	private := func(k *ecdsa.PrivateKey) *jose.PrivateKey {
		key, err := jose.PrivateKeyFromCrypto(k)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	x5c := func(certs ...*x509.Certificate) (out []string) {
		for _, c := range certs {
			out = append(out, base64.StdEncoding.EncodeToString(c.Raw))
		}
		return out
	}
	expired := leaf(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Second) })
	mismatch := leaf(func(c *x509.Certificate) { c.DNSNames = []string{"CLIENT.example.org"} })
	return map[string]string{
		"X509-001": expired, "X509-003": expired,
		"X509-002": leaf(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour / 2) }),
		"X509-005": request(other.leafKey, other.x5c, "x509_hash:x"),
		"X509-006": request(private(belowKey), x5c(below, ca.sign(t, nil, ca.rootCert, ca.rootKey, &belowKey.PublicKey)), "x509_hash:x"),
		"X509-007": request(ca.leafKey, append(slices.Clone(ca.x5c), base64.StdEncoding.EncodeToString(ca.root)), "x509_hash:x"),
		"X509-008": request(private(belowKey), x5c(below, between), "x509_hash:x"),
		"X509-009": leaf(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageKeyAgreement }),
		"X509-010": leaf(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }),
		"X509-012": leaf(func(c *x509.Certificate) { c.DNSNames = []string{"evil.example"} }),
		"X509-013": leaf(func(c *x509.Certificate) { c.DNSNames = nil }),
		"X509-014": leaf(func(c *x509.Certificate) { c.DNSNames = []string{"*.example.org"} }),
		"X509-015": mismatch,
		"X509-017": request(ca.leafKey, x5c(weak), "x509_hash:x"),
		"X509-018": request(ca.leafKey, slices.Repeat(ca.x5c, 100), "x509_hash:x"),
		"X509-019": request(ca.leafKey, []string{strings.NewReplacer("+", "-", "/", "_").Replace(ca.x5c[0]) + "\n"}, "x509_hash:x"),
		"X509-023": request(ca.leafKey, []string{"MAA="}, "x509_hash:x"),
	}, anchor
}
