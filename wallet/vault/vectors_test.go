package vault

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/vectors.json anew: a change of the format")

// The vectors are inside the test's binary, so that the same test runs natively
// and, compiled to WebAssembly, in a browser (test/e2e).
//
//go:embed testdata/vectors.json
var vectorFile []byte

type vectors struct {
	Derived []derivedVector `json:"derived"`
	Records []recordVector  `json:"records"`
	Vaults  []vaultVector   `json:"vaults"`
}

// What a passkey and a code derive.
type derivedVector struct {
	VaultID      hexBytes `json:"vault_id"`
	CredentialID hexBytes `json:"credential_id"`
	PRF          hexBytes `json:"prf"`
	RecipientID  hexBytes `json:"recipient_id"`
	Auth         hexBytes `json:"auth"`
	PublicKey    hexBytes `json:"public_key_sha256"`
	Code         string   `json:"code"`
	LookupID     hexBytes `json:"lookup_id"`
	SignInSecret hexBytes `json:"sign_in_secret"`
	CodeKey      hexBytes `json:"code_public_key_sha256"`
}

// A record's box under a vault key.
type recordVector struct {
	VaultID    hexBytes `json:"vault_id"`
	VaultKey   hexBytes `json:"vault_key"`
	RID        hexBytes `json:"rid"`
	Type       string   `json:"type"`
	ID         string   `json:"id"`
	Generation uint64   `json:"generation"`
	Box        []byte   `json:"box"`
	Plaintext  string   `json:"plaintext"`
}

// A whole vault, by whom it opens, and what is in it.
type vaultVector struct {
	Sealed  []byte            `json:"sealed"`
	Passkey int               `json:"passkey"` // as passkey(n) of the tests
	Code    string            `json:"code"`
	Content map[string]string `json:"content"`
}

type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }
func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

func hash(parts ...any) []byte {
	sum := sha256.Sum256([]byte(fmt.Sprint(parts...)))
	return sum[:]
}

// derive fills what follows from the vector's inputs.
func (v derivedVector) derive(t *testing.T) derivedVector {
	p, err := Passkey{CredentialID: v.CredentialID, PRF: v.PRF}.recipient(v.VaultID)
	check(t, err)
	code := must(ParseCode(v.Code))(t)
	c, err := code.recipient(v.VaultID)
	check(t, err)
	one, two := sha256.Sum256(p.kem.PublicKey().Bytes()), sha256.Sum256(c.kem.PublicKey().Bytes())
	v.RecipientID, v.Auth, v.PublicKey = p.id[:], p.auth, one[:]
	v.LookupID, v.SignInSecret, v.CodeKey = code.LookupID(), code.SignInSecret(), two[:]
	return v
}

func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	var all vectors
	check(t, json.Unmarshal(vectorFile, &all))
	t.Run("VLT-023", func(t *testing.T) {
		if n := len(all.Derived) + len(all.Records) + len(all.Vaults); n < 100 {
			t.Fatalf("only %d vectors", n)
		}
		for i, v := range all.Derived {
			if got := v.derive(t); fmt.Sprint(got) != fmt.Sprint(v) {
				t.Errorf("derived %d: got %+v, want %+v", i, got, v)
			}
		}
		for i, r := range all.Records {
			v, e := r.vault()
			plain, err := v.open(e, sealedRecord{e.RID, e.Generation, r.Box})
			if err != nil || string(plain) != r.Plaintext {
				t.Errorf("record %d: %q, %v", i, plain, err)
			}
		}
		for i, r := range all.Vaults {
			for _, key := range []Key{passkey(r.Passkey), must(ParseCode(r.Code))(t)} {
				v, err := Open(r.Sealed, key, HighWater{})
				check(t, err)
				if got := content(t, v); !maps.Equal(got, r.Content) {
					t.Errorf("vault %d: got %v, want %v", i, got, r.Content)
				}
				if again := sealed(t, v); !bytes.Equal(again, r.Sealed) {
					t.Errorf("vault %d: sealed again, it has other bytes", i)
				}
			}
		}
	})
}

func (r recordVector) vault() (*Vault, *entry) {
	sum := sha256.Sum256([]byte(r.Plaintext))
	v := &Vault{id: r.VaultID, keys: newKeys(r.VaultID, bytes.Clone(r.VaultKey))}
	return v, &entry{RID: ident(r.RID), Type: r.Type, ID: r.ID, Generation: r.Generation, Sum: sum[:]}
}

func writeVectors(t *testing.T) {
	var all vectors
	for i := range 64 {
		v := derivedVector{VaultID: hash("vault", i)[:idSize], CredentialID: hash("credential", i)[:8+i%24], PRF: hash("prf", i)}
		v.Code = Code{[codeSize]byte(hash("code", i)[:codeSize])}.String()
		all.Derived = append(all.Derived, v.derive(t))
	}
	for i := range 48 {
		r := recordVector{
			VaultID: hash("vault", i)[:idSize], VaultKey: hash("key", i), RID: hash("rid", i)[:idSize],
			Type: "credential", ID: fmt.Sprint("id ", i), Generation: uint64(i), Plaintext: string(bytes.Repeat([]byte("é"), i*3)),
		}
		v, e := r.vault()
		r.Box = v.seal(e, []byte(r.Plaintext)).box
		all.Records = append(all.Records, r)
	}
	for i := range 3 {
		v, code, err := Create(passkey(i))
		check(t, err)
		for n := range i * 2 {
			check(t, v.Put("preferences", fmt.Sprint(n), fmt.Appendf(nil, "value %d of vault %d", n, i)))
		}
		all.Vaults = append(all.Vaults, vaultVector{sealed(t, v), i, code.String(), content(t, v)})
	}
	raw, err := json.MarshalIndent(all, "", " ")
	check(t, err)
	check(t, os.WriteFile("testdata/vectors.json", append(raw, '\n'), 0o644))
	vectorFile = raw
}
