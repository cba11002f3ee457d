package jose

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"reflect"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// Fuzzing runs in several processes, which must agree on what is sound: keys
// come from their names, tokens and chains from testdata.

//go:embed testdata/sound.json
var soundFile []byte

type soundThings struct {
	JWE    string   `json:"jwe"` // to fixedKey "holder"
	X5C    []string `json:"x5c"` // sound at now
	Anchor []byte   `json:"anchor"`
}

func sound(t testing.TB) (s soundThings, anchor *x509.Certificate) {
	t.Helper()
	err := json.Unmarshal(soundFile, &s)
	if err == nil {
		anchor, err = x509.ParseCertificate(s.Anchor)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s, anchor
}

func fixedKey(t testing.TB, name string) *PrivateKey {
	t.Helper()
	d := sha256.Sum256([]byte(name))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d[:])
	if err != nil {
		t.Fatal(err)
	}
	k, err := PrivateKeyFromCrypto(key)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// typed fails unless every refusal has a reason.
func typed(t *testing.T, err error) {
	t.Helper()
	var e interface{ Reason() string }
	if err != nil && (!errors.As(err, &e) || e.Reason() == "") {
		t.Fatalf("a refusal without a reason: %v", err)
	}
}

// bounded fails if f allocates more than 16 MiB.
func bounded(t *testing.T, f func()) {
	t.Helper()
	allocated := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(allocated)
	before := allocated[0].Value.Uint64()
	f()
	metrics.Read(allocated)
	if n := allocated[0].Value.Uint64() - before; n > 16<<20 {
		t.Fatalf("%d bytes were allocated", n)
	}
}

// FuzzParse: what is accepted consists of three canonical parts, re-encodes to
// itself, has an allowed algorithm and type, and is not verified by any key.
func FuzzParse(f *testing.F) {
	k, other := fixedKey(f, "holder"), fixedKey(f, "other")
	f.Add(signed(f, k, goodHeader, goodPayload))
	f.Add(unsigned(`{"alg":"none","typ":"kb+jwt"}`, goodPayload))
	f.Add(signed(f, k, `{"alg":"ES256","typ":"kb+jwt","crit":["x"],"x":1}`, goodPayload))
	f.Add(signed(f, k, `{"alg":"ES256","alg":"ES256","typ":"kb+jwt"}`, `{"A":1,"a":2}`))
	f.Add("..")
	f.Add("a.b.c.d.e")
	f.Fuzz(func(t *testing.T, compact string) {
		var token *Token
		var err error
		bounded(t, func() { token, err = Parse(compact, rule) })
		typed(t, err)
		if err != nil {
			if token != nil {
				t.Fatal("a refused token came back")
			}
			return
		}
		parts := strings.Split(compact, ".")
		if len(parts) != 3 || token.Raw() != compact || token.Header().Alg != ES256 || token.Header().Typ != "kb+jwt" {
			t.Fatalf("accepted %q", compact)
		}
		for _, part := range parts {
			if b, err := DecodeBase64URL(part); err != nil || EncodeBase64URL(b) != part {
				t.Fatalf("accepted part %q", part)
			}
		}
		if _, err := token.Verify(other.Public()); err == nil {
			t.Fatal("verified with a key that signed nothing")
		}
	})
}

// FuzzSignature: crypto/ecdsa, which jose calls directly, and jwx agree on
// every signature.
func FuzzSignature(f *testing.F) {
	k := fixedKey(f, "holder")
	text := []byte(goodHeader)
	good, err := k.Sign(context.Background(), text)
	if err != nil {
		f.Fatal(err)
	}
	n := elliptic.P256().Params().N
	s := new(big.Int).SetBytes(good[32:])
	f.Add(text, good)
	f.Add(text, append(append([]byte(nil), good[:32]...), s.Sub(n, s).FillBytes(make([]byte, 32))...)) // the other root
	f.Add(text, append(make([]byte, 32), good[32:]...))
	f.Add(text, append(append([]byte(nil), good[:32]...), make([]byte, 32)...))
	f.Add(text, append(n.FillBytes(make([]byte, 32)), good[32:]...))
	f.Add(text, good[:63])
	f.Add([]byte{}, make([]byte, 64))
	library, err := jws.NewVerifier(jwa.ES256)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text, signature []byte) {
		ours := k.public.verify(string(text), signature)
		if theirs := library.Verify(text, signature, k.public.key) == nil; ours != theirs {
			t.Fatalf("we say %v, jwx says %v", ours, theirs)
		}
	})
}

// FuzzParseObject: what is accepted is what encoding/json reads, value by
// value, and parses again after encoding.
func FuzzParseObject(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":[1,-0,1e400,"\u212a",null,true]}`, `{"a":1,"A":2}`, `{"a":1,"a":2}`, "{\"\xff\":1}",
		`{"a":{"a":{"a":{"a":{"a":{}}}}}}`, `{"a":1}{}`, `{"\ud800":1}`, ` { "b" : 1 } `, `[`, `{1:2}`, `{[]:1}`, `{"a\"b\\":"\\\u0022"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var object map[string]any
		var err error
		bounded(t, func() { object, err = ParseObject(text, Limits{}) })
		typed(t, err)
		if err != nil {
			if object != nil {
				t.Fatal("a refused object came back")
			}
			return
		}
		var plain map[string]any
		d := json.NewDecoder(strings.NewReader(string(text)))
		d.UseNumber()
		if err := d.Decode(&plain); err != nil || !reflect.DeepEqual(plain, object) {
			t.Fatalf("encoding/json reads %v, we %v (%v)", plain, object, err)
		}
		again, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		if len(again) > MaxToken {
			return // escapes may grow
		}
		if back, err := ParseObject(again, Limits{}); err != nil || !reflect.DeepEqual(back, object) {
			t.Fatalf("its encoding %s is another object: %v", again, err)
		}
		if encoded, err := ParseEncoded(EncodeBase64URL(text), Limits{}); err != nil || !reflect.DeepEqual(encoded, any(object)) {
			t.Fatalf("encoded, it is another object: %v", err)
		}
	})
}

// FuzzParsePublicKey: an accepted key is on its curve and survives its own
// encoding.
func FuzzParsePublicKey(f *testing.F) {
	for _, k := range []*PrivateKey{fixedKey(f, "holder"), p384(f), ed(f)} {
		text, err := json.Marshal(k.Public())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"kty":"EC","crv":"P-256","x":"","y":"","d":""}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := ParsePublicKey(text)
		typed(t, err)
		if err != nil {
			if k != nil {
				t.Fatal("a refused key came back")
			}
			return
		}
		again, err := PublicKeyFromCrypto(k.Crypto())
		if err != nil || !again.Equal(k) {
			t.Fatalf("accepted a key the library does not: %v", err)
		}
		if back, err := ParsePublicKey([]byte(k.canonical())); err != nil || !back.Equal(k) {
			t.Fatalf("its encoding is refused: %v", err)
		}
	})
}

// FuzzDecrypt: nothing but the one sound token opens.
func FuzzDecrypt(f *testing.F) {
	d := sha256.Sum256([]byte("holder"))
	k, err := ParseDecryptionKey(d[:])
	if err != nil {
		f.Fatal(err)
	}
	s, _ := sound(f)
	if _, err := Decrypt(s.JWE, k, DecryptRule{}); err != nil {
		f.Fatal(err)
	}
	f.Add(s.JWE)
	f.Add(reheaded(f, s.JWE, map[string]any{"zip": "DEF"}))
	f.Add(reheaded(f, s.JWE, map[string]any{"alg": "dir", "epk": nil}))
	f.Add("....")
	f.Fuzz(func(t *testing.T, compact string) {
		var got []byte
		var err error
		bounded(t, func() { got, err = Decrypt(compact, k, DecryptRule{}) })
		typed(t, err)
		if err == nil && compact != s.JWE || err != nil && got != nil {
			t.Fatalf("opened a token nobody sealed: %q", got)
		}
	})
}

// FuzzChain: an accepted chain ends at the anchor, and only the sound one is.
func FuzzChain(f *testing.F) {
	s, anchor := sound(f)
	r := ChainRule{Anchors: []*x509.Certificate{anchor}, Now: now, DNSName: "client.example.org"}
	if _, err := VerifyChain(s.X5C, r); err != nil {
		f.Fatal(err)
	}
	f.Add(s.X5C[0], s.X5C[1])
	f.Add(s.X5C[1], s.X5C[0])
	f.Add(s.X5C[0], "")
	f.Add("MIIB", "AAAA")
	f.Add(base64.StdEncoding.EncodeToString(s.Anchor), s.X5C[1])
	f.Fuzz(func(t *testing.T, leaf, between string) {
		var c *Chain
		var err error
		bounded(t, func() { c, err = VerifyChain([]string{leaf, between}, r) })
		typed(t, err)
		if err == nil && (leaf != s.X5C[0] || between != s.X5C[1] || !c.Anchor.Equal(anchor)) || err != nil && c != nil {
			t.Fatal("believed a chain nobody signed")
		}
		_ = LeafHash([]string{leaf})
		_, err = LeafKey([]string{leaf})
		typed(t, err)
	})
}

// FuzzParseCRLs: a file of revocation lists never panics the parser, and what
// is accepted holds at least one list.
func FuzzParseCRLs(f *testing.F) {
	p := newPKI(f)
	for _, l := range p.crl(f, p.root, p.rootKey, p.between.SerialNumber, now) {
		f.Add(l.Raw)
	}
	f.Add([]byte("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		lists, err := ParseCRLs(file)
		typed(t, err)
		if (err == nil) != (len(lists) > 0) {
			t.Fatalf("%d lists, %v", len(lists), err)
		}
	})
}
