package jose

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"testing"
)

// BenchmarkParseAndVerify is to be read beside BenchmarkBareVerify: the
// difference is what strictness costs.
func BenchmarkParseAndVerify(b *testing.B) {
	k := newKey(b)
	compact := signed(b, k, goodHeader, `{"iss":"https://issuer.example","iat":1700000000,"exp":1800000000,"vct":"urn:facet:age:1","_sd_alg":"sha-256","_sd":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := verify(compact, rule, k.Public()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBareVerify(b *testing.B) {
	k := newKey(b)
	digest := sha256.Sum256([]byte("signing input"))
	signature, err := ecdsa.SignASN1(nil, k.key.(*ecdsa.PrivateKey), digest[:])
	if err != nil {
		b.Fatal(err)
	}
	pub := k.Public().Crypto().(*ecdsa.PublicKey)
	for b.Loop() {
		if !ecdsa.VerifyASN1(pub, digest[:], signature) {
			b.Fatal("does not verify")
		}
	}
}

func BenchmarkParsePublicKey(b *testing.B) {
	members := newKey(b).Public().JWK()
	for b.Loop() {
		if _, err := PublicKeyFromMap(members); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCachedChain(b *testing.B) {
	p := newPKI(b)
	x5c, r := p.chain(p.leaf()), p.rule()
	for b.Loop() {
		if _, err := VerifyChain(x5c, r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecrypt is to be read beside BenchmarkBareAgreement.
func BenchmarkDecrypt(b *testing.B) {
	k := newDecryptionKey(b)
	compact, err := Encrypt(make([]byte, 4<<10), k.Public(), EncryptOptions{Kid: "k"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decrypt(compact, k, DecryptRule{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBareAgreement(b *testing.B) {
	k, other := newDecryptionKey(b), newDecryptionKey(b)
	for b.Loop() {
		if _, err := k.key.ECDH(other.key.PublicKey()); err != nil {
			b.Fatal(err)
		}
	}
}
