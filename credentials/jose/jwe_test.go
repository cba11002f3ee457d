package jose

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
)

func newDecryptionKey(t testing.TB) *DecryptionKey {
	t.Helper()
	k, err := GenerateDecryptionKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sealed(t testing.TB, k *DecryptionKey, o EncryptOptions) string {
	t.Helper()
	compact, err := Encrypt([]byte(`{"vp_token":{}}`), k.Public(), o)
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

// reheaded replaces members of a JWE's header; a nil value removes one.
func reheaded(t testing.TB, compact string, change map[string]any) string {
	t.Helper()
	encoded, rest, _ := strings.Cut(compact, ".")
	text, err := DecodeBase64URL(encoded)
	if err != nil {
		t.Fatal(err)
	}
	var header map[string]any
	if err := json.Unmarshal(text, &header); err != nil {
		t.Fatal(err)
	}
	for name, v := range change {
		if header[name] = v; v == nil {
			delete(header, name)
		}
	}
	if text, err = json.Marshal(header); err != nil {
		t.Fatal(err)
	}
	return EncodeBase64URL(text) + "." + rest
}

func TestEncryptDecrypt(t *testing.T) {
	k := newDecryptionKey(t)
	for _, enc := range []string{"", A128GCM, A256GCM} {
		compact := sealed(t, k, EncryptOptions{Kid: "enc-1", Enc: enc, APU: []byte("u"), APV: []byte("v")})
		if kid, err := JWEKid(compact); err != nil || kid != "enc-1" {
			t.Fatalf("kid %q, %v", kid, err)
		}
		got, err := Decrypt(compact, k, DecryptRule{Kid: "enc-1"})
		if err != nil || string(got) != `{"vp_token":{}}` {
			t.Fatalf("%s: %q, %v", enc, got, err)
		}
	}
	_, err := Decrypt(sealed(t, k, EncryptOptions{Kid: "a"}), k, DecryptRule{Kid: "b"})
	wantReason(t, err, "jose_kid_unknown")
	_, err = Decrypt(sealed(t, k, EncryptOptions{}), newDecryptionKey(t), DecryptRule{})
	wantReason(t, err, "jwe_decrypt_failed")
	_, err = Encrypt(nil, p384(t).Public(), EncryptOptions{})
	wantReason(t, err, "jwe_alg_not_allowed")
	_, err = Encrypt(nil, k.Public(), EncryptOptions{Enc: "A128CBC-HS256"})
	wantReason(t, err, "jwe_alg_not_allowed")
	// The agreement's party info is part of the key: another one opens nothing.
	compact := reheaded(t, sealed(t, k, EncryptOptions{APV: []byte("v")}), map[string]any{"apv": EncodeBase64URL([]byte("w"))})
	_, err = Decrypt(compact, k, DecryptRule{})
	wantReason(t, err, "jwe_decrypt_failed")
}

// TestOpensWhatTheLibrarySeals: a peer may leave out kid, apu and apv.
func TestOpensWhatTheLibrarySeals(t *testing.T) {
	k := newDecryptionKey(t)
	compact, err := jwe.Encrypt([]byte("hello"), jwe.WithKey(jwa.ECDH_ES, k.Public().Crypto()), jwe.WithContentEncryption(jwa.A128GCM))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Decrypt(string(compact), k, DecryptRule{Encs: []string{A128GCM}}); err != nil || string(got) != "hello" {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestHostileEncryption(t *testing.T) {
	k := newDecryptionKey(t)
	good := sealed(t, k, EncryptOptions{Enc: A128GCM})
	refused := func(t *testing.T, compact, reason string) {
		t.Helper()
		_, err := Decrypt(compact, k, DecryptRule{})
		wantReason(t, err, reason)
	}
	t.Run("JOSE-030", func(t *testing.T) { refused(t, bomb(t, k, 200<<20), "jwe_zip_not_allowed") })
	t.Run("JOSE-031", func(t *testing.T) { refused(t, bomb(t, k, 9<<20), "jwe_zip_not_allowed") })
	t.Run("JOSE-032", func(t *testing.T) {
		refused(t, reheaded(t, good, map[string]any{"alg": "PBES2-HS256+A128KW", "p2c": 2000000000, "p2s": "c2FsdA"}), "jwe_alg_not_allowed")
	})
	t.Run("JOSE-033", func(t *testing.T) {
		for _, alg := range []string{"RSA1_5", "RSA-OAEP", "dir", "A256KW", "ECDH-ES+A256KW", "ecdh-es", ""} {
			refused(t, reheaded(t, good, map[string]any{"alg": alg}), "jwe_alg_not_allowed")
		}
	})
	t.Run("JOSE-034", func(t *testing.T) {
		x := k.Public().x
		private := k.Public().JWK()
		private["d"] = EncodeBase64URL(make([]byte, 32))
		zero := EncodeBase64URL(make([]byte, 32))
		for _, epk := range []any{
			map[string]any{"kty": "EC", "crv": "P-256", "x": x, "y": x},
			map[string]any{"kty": "EC", "crv": "P-256", "x": zero, "y": zero},
			map[string]any{"kty": "EC", "crv": "P-256", "x": "", "y": ""},
			p384(t).Public().JWK(), private, "epk", nil,
		} {
			refused(t, reheaded(t, good, map[string]any{"epk": epk}), "jwe_epk_invalid")
		}
	})
	t.Run("JOSE-035", func(t *testing.T) {
		parts := strings.Split(good, ".")
		for _, part := range []int{4, 3} {
			b, err := DecodeBase64URL(parts[part])
			if err != nil {
				t.Fatal(err)
			}
			b[0] ^= 1
			flipped := append([]string(nil), parts...)
			flipped[part] = EncodeBase64URL(b)
			refused(t, strings.Join(flipped, "."), "jwe_decrypt_failed")
		}
		refused(t, reheaded(t, good, map[string]any{"enc": "A128CBC-HS256"}), "jwe_decrypt_failed")
		_, err := Decrypt(good, k, DecryptRule{Encs: []string{A256GCM}})
		wantReason(t, err, "jwe_decrypt_failed")
	})
	t.Run("JOSE-036", func(t *testing.T) {
		parts := strings.Split(good, ".")
		for _, broken := range []string{
			strings.Join([]string{parts[0], "AAAA", parts[2], parts[3], parts[4]}, "."),
			strings.Join([]string{parts[0], "", parts[2], "", parts[4]}, "."),
			strings.Join([]string{parts[0], "", parts[2], parts[3], EncodeBase64URL(make([]byte, 15))}, "."),
			strings.Join([]string{parts[0], "", parts[2], parts[3], ""}, "."),
			strings.Join([]string{parts[0], "", "", parts[3], parts[4]}, "."),
		} {
			refused(t, broken, "jwe_decrypt_failed")
		}
		refused(t, good+".", "jose_type_confusion")
		refused(t, good+"=", "jose_base64_not_canonical")
	})
}

// bomb is a token whose content inflates to n bytes of "a".
func bomb(t *testing.T, k *DecryptionKey, n int64) string {
	t.Helper()
	var z bytes.Buffer
	w, err := flate.NewWriter(&z, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(w, letters{}, n); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	compact, err := Encrypt(z.Bytes(), k.Public(), EncryptOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return reheaded(t, compact, map[string]any{"zip": "DEF"})
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}
