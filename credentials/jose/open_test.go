package jose

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
)

// TestAgreedKey holds the key derivation to RFC 7518, Appendix C.
func TestAgreedKey(t *testing.T) {
	d, err := DecodeBase64URL("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw") // Bob's
	if err != nil {
		t.Fatal(err)
	}
	bob, err := ParseDecryptionKey(d)
	if err != nil {
		t.Fatal(err)
	}
	if bob.Public().x != "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ" {
		t.Fatalf("the secret belongs to another public half: %s", bob.Public().x)
	}
	alice, err := PublicKeyFromMap(map[string]any{
		"kty": "EC", "crv": "P-256",
		"x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0", "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
	})
	if err != nil {
		t.Fatal(err)
	}
	epk, err := alice.key.(*ecdsa.PublicKey).ECDH()
	if err != nil {
		t.Fatal(err)
	}
	z, err := bob.key.ECDH(epk)
	if err != nil {
		t.Fatal(err)
	}
	if got := EncodeBase64URL(agreedKey(z, A128GCM, []byte("Alice"), []byte("Bob"))); got != "VqqN6vgjbSBcIijNcacQGg" {
		t.Fatalf("derived %s", got)
	}
}

func TestDecryptionKeyStaysSecret(t *testing.T) {
	k := newDecryptionKey(t)
	secret := EncodeBase64URL(k.Bytes())
	if text := fmt.Sprintf("%v %+v %s %x %#v", k, k, k, k, k); strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", k.Bytes())) {
		t.Fatal("the secret prints")
	}
	if _, err := json.Marshal(k); err == nil {
		t.Fatal("the secret is written as JSON")
	}
	back, err := ParseDecryptionKey(k.Bytes())
	if err != nil || !back.Public().Equal(k.Public()) {
		t.Fatalf("another key came back: %v", err)
	}
	for _, scalar := range [][]byte{nil, make([]byte, 32), make([]byte, 31), elliptic.P256().Params().N.Bytes(), bytes.Repeat([]byte{0xff}, 32)} {
		_, err := ParseDecryptionKey(scalar)
		wantReason(t, err, "jwk_malformed")
	}
}

// FuzzOpen: what jwx seals opens to the same, and after any byte was changed
// we open what jwx opens and nothing else.
func FuzzOpen(f *testing.F) {
	f.Add([]byte("hello"), []byte("Alice"), []byte("Bob"), true, uint16(0), byte(0))
	f.Add([]byte("hello"), []byte{}, []byte{0}, false, uint16(0), byte(0))
	f.Add([]byte{0}, []byte{}, []byte{}, false, uint16(400), byte(1))
	f.Add(bytes.Repeat([]byte("x"), 1000), []byte{}, []byte("v"), true, uint16(1500), byte(3))
	k := newDecryptionKey(f)
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), k.Bytes())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, plaintext, apu, apv []byte, short bool, at uint16, flip byte) {
		enc := A256GCM
		if short {
			enc = A128GCM
		}
		compact, err := Encrypt(plaintext, k.Public(), EncryptOptions{Enc: enc, APU: apu, APV: apv})
		if err != nil || len(plaintext) == 0 {
			return // an empty answer is refused before any key is used
		}
		changed := []byte(compact)
		changed[int(at)%len(changed)] ^= flip
		ours, err := Decrypt(string(changed), k, DecryptRule{})
		if flip == 0 && (err != nil || !bytes.Equal(ours, plaintext)) {
			t.Fatalf("what was sealed does not open: %v", err)
		}
		theirs, libraryErr := jwe.Decrypt(changed, jwe.WithKey(jwa.ECDH_ES, private))
		if err == nil && (libraryErr != nil || !bytes.Equal(ours, theirs)) {
			t.Fatalf("we open what jwx does not: %v", libraryErr)
		}
	})
}
