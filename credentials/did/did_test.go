package did

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"facet/credentials/jose"
)

func wantReason(t *testing.T, err error, reason string) {
	t.Helper()
	var e interface{ Reason() string }
	if !errors.As(err, &e) || e.Reason() != reason {
		t.Fatalf("got %v, want reason %q", err, reason)
	}
}

func keys(t testing.TB) []*jose.PublicKey {
	t.Helper()
	var list []*jose.PublicKey
	for _, c := range []elliptic.Curve{elliptic.P256(), elliptic.P384()} {
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, wrap(t, &k.PublicKey))
	}
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return append(list, wrap(t, pub))
}

func wrap(t testing.TB, pub any) *jose.PublicKey {
	t.Helper()
	k, err := jose.PublicKeyFromCrypto(pub)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeysComeBack(t *testing.T) {
	r := SelfContained()
	for _, k := range keys(t) {
		for name, make := range map[string]func(*jose.PublicKey) (string, error){"#0": JWK, "": Key} {
			did, err := make(k)
			if err != nil {
				t.Fatal(err)
			}
			fragment := name
			if fragment == "" {
				fragment = "#" + strings.TrimPrefix(did, "did:key:")
			}
			for _, url := range []string{did, did + fragment} {
				if got, err := r.Resolve(t.Context(), url); err != nil || !got.Equal(k) {
					t.Errorf("%s: %v", url, err)
				}
			}
			_, err = r.Resolve(t.Context(), did+"#other")
			wantReason(t, err, "did_key_unknown")
		}
	}
}

// TestExamples are printed in the did:key and did:jwk specifications.
func TestExamples(t *testing.T) {
	for did, want := range map[string]string{
		"did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK":                        jose.EdDSA,
		"did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169":                       jose.ES256,
		"did:key:z82Lm1MpAkeJcix9K8TMiLd5NMAhnwkjjCBeWHXyu3U4oT2MVJJKXkcVBgjGhnLBn2Kaau9": jose.ES384,
		"did:jwk:eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImFjYklRaXVNczNpOF91c3pFakoydHBUdFJNNEVVM3l6OTFQSDZDZEgyVjAiLCJ5IjoiX0tjeUxqOXZXTXB0bm1LdG00NkdxRHo4d2Y3NEk1TEtncmwyR3pIM25TRSJ9#0": jose.ES256,
	} {
		k, err := SelfContained().Resolve(t.Context(), did)
		if err != nil || k.Alg() != want {
			t.Errorf("%s: %v", did, err)
			continue
		}
		make := Key
		if strings.HasPrefix(did, "did:jwk") {
			make = JWK
		}
		if again, err := make(k); err != nil || again != strings.TrimSuffix(did, "#0") {
			t.Errorf("%s becomes %s, %v", did, again, err)
		}
	}
}

func TestHostileDIDs(t *testing.T) {
	good, err := JWK(keys(t)[0])
	if err != nil {
		t.Fatal(err)
	}
	encoded := func(jwk string) string { return "did:jwk:" + jose.EncodeBase64URL([]byte(jwk)) }
	for did, want := range map[string]string{
		"": "did_malformed", "did:": "did_malformed", "did:jwk:": "did_malformed", "DID:jwk:e30": "did_malformed",
		"did:JWK:e30": "did_malformed", good + "#": "did_malformed", good + "?x=1": "did_malformed", good + "/p": "did_malformed",
		good + "=": "did_malformed", good + " ": "did_malformed", "did:jwk:" + strings.Repeat("A", MaxURL): "did_malformed",
		"did:web:example.org": "did_method_unsupported", "did:example:a": "did_method_unsupported",
		encoded(`{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}`):    "jwk_malformed",
		encoded(`{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}`): "jwk_private",
		encoded(`{"kty":"EC","kty":"EC"}`):                         "json_duplicate_member",
		"did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2do":  "did_method_unsupported",
		"did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU216": "did_method_unsupported",
		"did:key:6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK":  "did_malformed",
		"did:key:z0OIl":                                                                "did_malformed",
		"did:key:z" + strings.Repeat("1", 2000):                                        "did_malformed",
		"did:key:z" + encodeBase58([]byte{0xed, 0x01, 1, 2, 3}):                        "jwk_malformed",
		"did:key:z" + encodeBase58(append([]byte{0x80, 0x24, 5}, make([]byte, 32)...)): "did_malformed",
	} {
		t.Run(did, func(t *testing.T) {
			_, err := SelfContained().Resolve(t.Context(), did)
			wantReason(t, err, want)
		})
	}
	_, err = jwkMethod{}.Resolve(t.Context(), "did:key:z6Mk")
	wantReason(t, err, "did_method_unsupported")
}

// FuzzResolve: a key that is found has an identifier that leads back to it.
func FuzzResolve(f *testing.F) {
	for _, k := range keys(f) {
		for _, make := range []func(*jose.PublicKey) (string, error){JWK, Key} {
			did, err := make(k)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(did)
		}
	}
	f.Add("did:key:z#z")
	f.Fuzz(func(t *testing.T, didURL string) {
		k, err := SelfContained().Resolve(t.Context(), didURL)
		if err != nil {
			var e interface{ Reason() string }
			if !errors.As(err, &e) || e.Reason() == "" {
				t.Fatalf("a refusal without a reason: %v", err)
			}
			return
		}
		make := Key
		if strings.HasPrefix(didURL, "did:jwk:") {
			make = JWK
		}
		again, err := make(k)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := SelfContained().Resolve(t.Context(), again); err != nil || !back.Equal(k) {
			t.Fatalf("%s leads to another key than %s, %v", again, didURL, err)
		}
	})
}
