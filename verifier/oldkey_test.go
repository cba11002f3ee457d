package verifier_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"testing"

	"facet/credentials/jose"
)

// TestOldResponseKey: an encrypted answer to a request that was begun before
// decision record 0041, whose key is sealed as a JWK, is opened.
func TestOldResponseKey(t *testing.T) {
	r := newRig(t)
	begun := r.begin("access", "same_device")
	a := r.compose(begun, twist{})
	key := "tx/" + begun.ID
	raw, version, err := r.store.Get(t.Context(), key)
	check(err)
	var record map[string]json.RawMessage
	check(json.Unmarshal(raw, &record))
	var sealed []byte
	check(json.Unmarshal(record["enc_key"], &sealed))
	secret, _, err := r.keys.Get(t.Context(), key)
	check(err)
	aead, about := sealerOf(secret, "response key"), []byte("response key/"+begun.ID)
	scalar, err := aead.Open(nil, nil, sealed, about)
	check(err)
	k, err := jose.ParseDecryptionKey(scalar)
	check(err)
	jwk := k.Public().JWK()
	jwk["d"] = jose.EncodeBase64URL(scalar)
	text, err := json.Marshal(jwk)
	check(err)
	record["enc_key"] = mustJSON(aead.Seal(nil, nil, text, about))
	_, err = r.store.Swap(t.Context(), key, version, mustJSON(record))
	check(err)
	if got := a.send(); got.status != http.StatusOK {
		t.Fatalf("the answer was refused: %d %s", got.status, got.body)
	}
}

func sealerOf(secret []byte, what string) cipher.AEAD {
	key, err := hkdf.Key(sha256.New, secret, nil, "facet/verifier/v1/seal/"+what, 32)
	check(err)
	block, err := aes.NewCipher(key)
	check(err)
	aead, err := cipher.NewGCMWithRandomNonce(block)
	check(err)
	return aead
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	check(err)
	return b
}
