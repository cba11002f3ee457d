package jose

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
)

func wantReason(t testing.TB, err error, reason string) {
	t.Helper()
	var e interface{ Reason() string }
	if !errors.As(err, &e) || e.Reason() != reason {
		t.Fatalf("got %v, want reason %q", err, reason)
	}
}

func newKey(t testing.TB) *PrivateKey {
	t.Helper()
	k, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func p384(t testing.TB) *PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k, err := PrivateKeyFromCrypto(key)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// signed makes a token over exactly this header text, so that a test can sign
// what no encoder would write.
func signed(t testing.TB, k *PrivateKey, header, payload string) string {
	t.Helper()
	input := EncodeBase64URL([]byte(header)) + "." + EncodeBase64URL([]byte(payload))
	signature, err := k.Sign(context.Background(), []byte(input))
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + EncodeBase64URL(signature)
}

func unsigned(header, payload string) string {
	return EncodeBase64URL([]byte(header)) + "." + EncodeBase64URL([]byte(payload)) + "."
}

var rule = Rule{Typ: []string{"kb+jwt"}}

const (
	goodHeader  = `{"alg":"ES256","typ":"kb+jwt"}`
	goodPayload = `{"aud":"x","iat":1700000000}`
)

// verify is the whole way in: parse by the rule, then the signature.
func verify(compact string, r Rule, pub *PublicKey) (*Verified, error) {
	token, err := Parse(compact, r)
	if err != nil {
		return nil, err
	}
	return token.Verify(pub)
}

// TestHostileSignatures holds every way into a signed token to its reason.
func TestHostileSignatures(t *testing.T) {
	k := newKey(t)
	pub := k.Public()
	refused := func(t *testing.T, compact, reason string) {
		t.Helper()
		_, err := verify(compact, rule, pub)
		wantReason(t, err, reason)
	}
	if _, err := verify(signed(t, k, goodHeader, goodPayload), rule, pub); err != nil {
		t.Fatalf("the sound token: %v", err)
	}
	good := signed(t, k, goodHeader, goodPayload)
	parts := strings.Split(good, ".")

	t.Run("JOSE-001", func(t *testing.T) {
		refused(t, unsigned(`{"alg":"none","typ":"kb+jwt"}`, goodPayload), "jose_alg_not_allowed")
		_, err := verify(unsigned(`{"alg":"none","typ":"kb+jwt"}`, goodPayload), Rule{Typ: rule.Typ, Algs: []string{"none"}}, pub)
		wantReason(t, err, "jose_alg_not_allowed") // not even a rule can allow it
	})
	t.Run("JOSE-002", func(t *testing.T) {
		for _, alg := range []string{"None", "NONE", "nOnE", "", " none", "es256"} {
			refused(t, unsigned(`{"alg":"`+alg+`","typ":"kb+jwt"}`, goodPayload), "jose_alg_not_allowed")
		}
		refused(t, unsigned(`{"typ":"kb+jwt"}`, goodPayload), "jose_alg_not_allowed")
		refused(t, unsigned(`{"alg":null,"typ":"kb+jwt"}`, goodPayload), "jose_alg_not_allowed")
	})
	t.Run("JOSE-003", func(t *testing.T) {
		der, err := x509.MarshalPKIXPublicKey(pub.Crypto())
		if err != nil {
			t.Fatal(err)
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		for _, secret := range [][]byte{der, text, []byte(pub.canonical())} {
			input := EncodeBase64URL([]byte(`{"alg":"HS256","typ":"kb+jwt"}`)) + "." + EncodeBase64URL([]byte(goodPayload))
			m := hmac.New(sha256.New, secret)
			m.Write([]byte(input))
			for _, r := range []Rule{rule, {Typ: rule.Typ, Algs: []string{"HS256", ES256}}} {
				_, err := verify(input+"."+EncodeBase64URL(m.Sum(nil)), r, pub)
				wantReason(t, err, "jose_alg_not_allowed")
			}
		}
	})
	t.Run("JOSE-004", func(t *testing.T) {
		wide := Rule{Typ: rule.Typ, Algs: []string{ES256, ES384, "RS256"}}
		for _, alg := range []string{"RS256", ES384} {
			_, err := verify(signed(t, k, `{"alg":"`+alg+`","typ":"kb+jwt"}`, goodPayload), wide, pub)
			wantReason(t, err, "jose_alg_key_mismatch")
		}
	})
	t.Run("JOSE-005", func(t *testing.T) {
		_, _, err := CompactFromJSON([]byte(`{"protected":"` + EncodeBase64URL([]byte(`{"typ":"kb+jwt"}`)) +
			`","header":{"alg":"ES256"},"payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`))
		wantReason(t, err, "jose_alg_not_allowed")
		compact, _, err := CompactFromJSON([]byte(`{"protected":"` + EncodeBase64URL([]byte(`{"typ":"kb+jwt"}`)) +
			`","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`))
		if err != nil {
			t.Fatal(err)
		}
		refused(t, compact, "jose_alg_not_allowed")
	})
	t.Run("JOSE-006", func(t *testing.T) {
		refused(t, signed(t, k, `{"alg":"ES256","typ":"kb+jwt","crit":["exp2"],"exp2":1}`, goodPayload), "jose_crit_unsupported")
	})
	t.Run("JOSE-007", func(t *testing.T) {
		for _, crit := range []string{`[]`, `["alg"]`, `["x","x"]`, `["absent"]`, `"x"`, `[1]`, `null`} {
			refused(t, signed(t, k, `{"alg":"ES256","typ":"kb+jwt","x":1,"crit":`+crit+`}`, goodPayload), "jose_crit_malformed")
		}
	})
	t.Run("JOSE-008", func(t *testing.T) {
		refused(t, signed(t, k, `{"alg":"ES256","typ":"kb+jwt","b64":false,"crit":["b64"]}`, goodPayload), "jose_crit_unsupported")
		refused(t, signed(t, k, `{"alg":"ES256","typ":"kb+jwt","b64":false}`, goodPayload), "jose_crit_unsupported")
	})
	t.Run("JOSE-010", func(t *testing.T) {
		url, asked := trap(t)
		for _, target := range []string{url, "https://169.254.169.254/keys"} {
			for _, name := range []string{"jku", "x5u"} {
				refused(t, signed(t, k, `{"alg":"ES256","typ":"kb+jwt","`+name+`":"`+target+`"}`, goodPayload), "jose_remote_key_header")
			}
		}
		if n := asked(); n != 0 {
			t.Fatalf("%d connections were opened", n)
		}
	})
	t.Run("JOSE-011", func(t *testing.T) {
		set := KeySet{pub}
		for _, kid := range []string{"../../etc/passwd", "' OR 1=1--", strings.Repeat("k", 64<<10), `a\u0000b`} {
			token, err := Parse(signed(t, k, `{"alg":"ES256","typ":"kb+jwt","kid":"`+kid+`"}`, goodPayload), rule)
			if err == nil {
				_, err = set.Find(token.Header().Kid)
			}
			wantReason(t, err, "jose_kid_unknown")
		}
		for _, kid := range []string{strings.Repeat("k", MaxKid+1), `a\u0000b`, ""} { // no key could ever have these
			refused(t, signed(t, k, `{"alg":"ES256","typ":"kb+jwt","kid":"`+kid+`"}`, goodPayload), "jose_kid_unknown")
		}
	})
	t.Run("JOSE-012", func(t *testing.T) {
		refused(t, signed(t, k, `{"alg":"HS256","alg":"ES256","typ":"kb+jwt"}`, goodPayload), "json_duplicate_member")
		refused(t, signed(t, k, `{"alg":"ES256","typ":"kb+jwt","\u0061lg":"none"}`, goodPayload), "json_duplicate_member")
		refused(t, signed(t, k, goodHeader, `{"aud":"x","aud":"y"}`), "json_duplicate_member")
	})
	t.Run("JOSE-014", func(t *testing.T) {
		v, err := verify(signed(t, k, goodHeader, `{"AUD":"good"}`), rule, pub)
		if err != nil {
			t.Fatal(err)
		}
		_, err = StringClaim(v.Claims(), "aud")
		wantReason(t, err, "claim_missing")
		refused(t, signed(t, k, goodHeader, `{"aud":"x","AUD":"good"}`), "json_case_collision")
		refused(t, signed(t, k, goodHeader, `{"k":1,"\u212a":2}`), "json_case_collision") // the Kelvin sign
		refused(t, signed(t, k, goodHeader, `{"deep":[{"aud":1,"Aud":2}]}`), "json_case_collision")
	})
	t.Run("JOSE-015", func(t *testing.T) {
		refused(t, good+"=", "jose_base64_not_canonical")
		refused(t, good+"==", "jose_base64_not_canonical")
		refused(t, parts[0]+"=."+parts[1]+"."+parts[2], "jose_base64_not_canonical")
	})
	t.Run("JOSE-016", func(t *testing.T) {
		for _, tail := range []string{"\n", " ", "\t", "\r\n"} {
			refused(t, good+tail, "jose_base64_not_canonical")
		}
		for i := range parts {
			broken := strings.Split(good, ".")
			broken[i] = broken[i][:4] + "\r\n" + broken[i][4:]
			refused(t, strings.Join(broken, "."), "jose_base64_not_canonical")
		}
	})
	t.Run("JOSE-017", func(t *testing.T) {
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		last := strings.IndexByte(alphabet, good[len(good)-1]) // 64 bytes leave four bits over
		refused(t, good[:len(good)-1]+alphabet[last+1:last+2], "jose_base64_not_canonical")
		refused(t, parts[0]+"."+parts[1]+"."+"+"+parts[2][1:], "jose_base64_not_canonical")
		refused(t, parts[0]+"."+parts[1]+"."+"/"+parts[2][1:], "jose_base64_not_canonical")
	})
	t.Run("JOSE-019", func(t *testing.T) {
		huge := `{"alg":"ES256","typ":"kb+jwt","x":"` + strings.Repeat("a", 1<<20) + `"}`
		refused(t, signed(t, k, huge, goodPayload), "size_limit")
		_, err := verify(signed(t, k, huge, goodPayload), Rule{Typ: rule.Typ, MaxSize: 8 << 20}, pub)
		wantReason(t, err, "size_limit")
		wide := `{"alg":"ES256","typ":"kb+jwt","x":"` + strings.Repeat("a", 120<<10) + `"}`
		_, err = verify(signed(t, k, wide, goodPayload), Rule{Typ: rule.Typ, MaxSize: 8 << 20}, pub)
		wantReason(t, err, "size_limit")                                                                          // the header has a limit of its own
		refused(t, signed(t, k, goodHeader, `{"x":"`+strings.Repeat("a", MaxToken-len(good))+`"}`), "size_limit") // longer only as encoded
	})
	t.Run("JOSE-020", func(t *testing.T) {
		deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
		refused(t, signed(t, k, goodHeader, deep), "json_depth_limit")
		refused(t, signed(t, k, goodHeader, `{"a":`+deep+`}`), "json_depth_limit")
		refused(t, signed(t, k, goodHeader, strings.Repeat(`{"a":`, MaxJSONDepth+1)+"1"+strings.Repeat("}", MaxJSONDepth+1)), "json_depth_limit")
		edge := strings.Repeat(`{"a":`, MaxJSONDepth) + "1" + strings.Repeat("}", MaxJSONDepth)
		if _, err := verify(signed(t, k, goodHeader, edge), rule, pub); err != nil {
			t.Fatalf("nested exactly as deep as allowed: %v", err)
		}
	})
	t.Run("JOSE-022", func(t *testing.T) {
		jwe, err := Encrypt([]byte(goodPayload), pub, EncryptOptions{})
		if err != nil {
			t.Fatal(err)
		}
		refused(t, jwe, "jose_type_confusion")
		_, err = Decrypt(good, newDecryptionKey(t), DecryptRule{})
		wantReason(t, err, "jose_type_confusion")
		refused(t, good+"."+parts[2], "jose_type_confusion")
		refused(t, parts[0]+"."+parts[1], "jose_type_confusion")
	})
	t.Run("JOSE-023", func(t *testing.T) {
		refused(t, signed(t, k, `{"alg":"ES256","typ":"kb+jwt","cty":"JWT"}`, good), "jose_typ_unexpected")
	})
	t.Run("JOSE-024", func(t *testing.T) {
		for _, typ := range []string{`"JWT"`, `"KB+JWT"`, `"application/kb+jwt"`, `""`, `null`, `1`} {
			refused(t, signed(t, k, `{"alg":"ES256","typ":`+typ+`}`, goodPayload), "jose_typ_unexpected")
		}
		refused(t, signed(t, k, `{"alg":"ES256"}`, goodPayload), "jose_typ_unexpected")
		for _, pair := range [][2]string{{"oauth-authz-req+jwt", "JWT"}, {"statuslist+jwt", "dc+sd-jwt"}} {
			_, err := verify(signed(t, k, `{"alg":"ES256","typ":"`+pair[1]+`"}`, goodPayload), Rule{Typ: pair[:1]}, pub)
			wantReason(t, err, "jose_typ_unexpected")
		}
		_, err := Parse(good, Rule{})
		wantReason(t, err, "jose_typ_unexpected") // the zero rule accepts nothing
	})
	t.Run("JOSE-026", func(t *testing.T) {
		for literal, want := range map[string]string{
			"1e400": "claim_type", `"1700000000"`: "claim_type", "9007199254740993": "claim_type",
			"null": "claim_type", "true": "claim_type", "-1": "", "1.5": "", "1700000000": "", "1.7e9": "",
		} {
			v, err := verify(signed(t, k, goodHeader, `{"exp":`+literal+`}`), rule, pub)
			if err != nil {
				t.Fatal(err)
			}
			at, there, err := NumericDate(v.Claims(), "exp")
			if want != "" {
				wantReason(t, err, want)
				continue
			}
			if err != nil || !there {
				t.Fatalf("exp %s: %v", literal, err)
			}
			if literal == "1.5" && at.UnixMilli() != 1500 || literal == "-1" && at.Unix() != -1 || literal == "1.7e9" && at.Unix() != 1700000000 {
				t.Fatalf("exp %s became %v", literal, at)
			}
		}
	})
}

// trap listens on loopback and counts who comes.
func trap(t *testing.T) (url string, asked func() int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	came := make(chan struct{}, 100)
	s := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { came <- struct{}{} })}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return "http://" + l.Addr().String(), func() int { return len(came) }
}
