package jose

import (
	"slices"
	"strings"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwe"
)

// Content encryption algorithms (RFC 7518 §5.1, HAIP 1.0 §5).
const (
	A128GCM = "A128GCM"
	A256GCM = "A256GCM"
)

// EncryptOptions says how Encrypt addresses its recipient.
type EncryptOptions struct {
	Kid      string // key id header; "" means the key's own, if it has one
	Enc      string // A128GCM or A256GCM; "" means A256GCM
	APU, APV []byte // agreement party info, bound into the derived key
}

// Encrypt makes a compact JWE with ECDH-ES in direct key agreement mode to a
// P-256 key (RFC 7518 §4.6). Reasons: jwe_alg_not_allowed for another kind of
// key or enc. The sender is not authenticated by this.
func Encrypt(plaintext []byte, to *PublicKey, o EncryptOptions) (string, error) {
	if to == nil || to.crv != "P-256" {
		return "", refuse("jwe_alg_not_allowed", "encryption is to P-256 keys only")
	}
	if o.Enc == "" {
		o.Enc = A256GCM
	}
	if o.Enc != A128GCM && o.Enc != A256GCM {
		return "", refuse("jwe_alg_not_allowed", "content encryption algorithm")
	}
	if o.Kid == "" {
		o.Kid = to.kid
	}
	headers := jwe.NewHeaders()
	for name, v := range map[string]any{jwe.KeyIDKey: o.Kid, jwe.AgreementPartyUInfoKey: o.APU, jwe.AgreementPartyVInfoKey: o.APV} {
		if s, ok := v.(string); ok && s == "" {
			continue
		}
		if b, ok := v.([]byte); ok && len(b) == 0 {
			continue
		}
		if err := headers.Set(name, v); err != nil {
			return "", &Error{"jwe_malformed", "header does not encode", err}
		}
	}
	compact, err := jwe.Encrypt(plaintext,
		jwe.WithKey(jwa.ECDH_ES, to.key, jwe.WithPerRecipientHeaders(headers)),
		jwe.WithContentEncryption(jwa.ContentEncryptionAlgorithm(o.Enc)))
	if err != nil {
		return "", &Error{"jwe_malformed", "encryption went wrong", err}
	}
	return string(compact), nil
}

// A DecryptRule says what Decrypt accepts.
type DecryptRule struct {
	Kid     string   // exact key id the header must carry; "" means any or none
	Encs    []string // accepted content encryption; nil means A128GCM and A256GCM
	MaxSize int      // bytes of the compact token; zero means MaxToken
}

// Decrypt opens a compact JWE: ECDH-ES direct, AES-GCM, no compression
// (RFC 7516 §5.2). What does not open is always jwe_decrypt_failed, whatever
// the cause; refusals before any key is used have reasons of their own:
// jwe_zip_not_allowed, jwe_alg_not_allowed, jwe_epk_invalid, jose_kid_unknown,
// jose_type_confusion, jose_base64_not_canonical, size_limit.
func Decrypt(compact string, key *DecryptionKey, r DecryptRule) ([]byte, error) {
	header, rest, _ := strings.Cut(compact, ".")
	e, err := r.checkHeader(header)
	if err != nil {
		return nil, err
	}
	if r.Kid != "" && e.kid != r.Kid {
		return nil, refuse(ReasonKid, "encrypted to another key")
	}
	if r.MaxSize == 0 {
		r.MaxSize = MaxToken
	}
	if len(compact) > r.MaxSize {
		return nil, refuse(ReasonSize, "token longer than %d bytes", r.MaxSize)
	}
	if e.parts, err = readParts(rest); err != nil {
		return nil, err
	}
	plaintext, err := e.open(key)
	if err != nil {
		return nil, refuse(ReasonDecrypt, "does not open")
	}
	return plaintext, nil
}

// JWEKid returns the key id a JWE names, or "", after the checks Decrypt makes
// of a header. It tells which key to fetch; it proves nothing.
func JWEKid(compact string) (string, error) {
	header, _, _ := strings.Cut(compact, ".")
	e, err := DecryptRule{}.checkHeader(header)
	if err != nil {
		return "", err
	}
	return e.kid, nil
}

// CheckEncrypted makes the checks Decrypt makes before any key is used, for
// tools that show tokens.
func CheckEncrypted(compact string) error {
	header, rest, _ := strings.Cut(compact, ".")
	if _, err := (DecryptRule{}).checkHeader(header); err != nil {
		return err
	}
	_, err := readParts(rest)
	return err
}

func (r DecryptRule) checkHeader(encoded string) (*envelope, error) {
	members, err := parseHeader(encoded)
	if err != nil {
		return nil, err
	}
	if _, there := members["enc"]; !there {
		return nil, refuse("jose_type_confusion", "not an encrypted token")
	}
	if _, there := members["zip"]; there {
		return nil, refuse("jwe_zip_not_allowed", "compressed content")
	}
	if members["alg"] != "ECDH-ES" {
		return nil, refuse("jwe_alg_not_allowed", "key agreement is ECDH-ES only")
	}
	if err := checkCrit(members); err != nil {
		return nil, err
	}
	if err := (Rule{}).checkKeySources(members); err != nil {
		return nil, err
	}
	if members["cty"] == "JWT" {
		return nil, refuse(ReasonTyp, "a token inside a token")
	}
	encs := r.Encs
	if encs == nil {
		encs = []string{A128GCM, A256GCM}
	}
	enc, _ := members["enc"].(string)
	if (enc != A128GCM && enc != A256GCM) || !slices.Contains(encs, enc) {
		return nil, refuse(ReasonDecrypt, "content encryption that was not offered")
	}
	e := &envelope{header: encoded, enc: enc}
	if err := e.readAgreement(members); err != nil {
		return nil, err
	}
	e.kid, err = kid(members)
	return e, err
}

// readAgreement refuses an ephemeral key that is not a plain P-256 public key
// on the curve (RFC 7518 §4.6.1.1), before any secret meets it.
func (e *envelope) readAgreement(members map[string]any) error {
	for name, info := range map[string]*[]byte{"apu": &e.apu, "apv": &e.apv} {
		v, there := members[name]
		s, ok := v.(string)
		if !there {
			continue
		}
		b, err := DecodeBase64URL(s)
		if !ok || err != nil {
			return refuse("jose_base64_not_canonical", "%s is not base64url", name)
		}
		*info = b
	}
	object, ok := members["epk"].(map[string]any)
	if !ok {
		return refuse("jwe_epk_invalid", "no ephemeral key")
	}
	epk, err := PublicKeyFromMap(object)
	if err != nil || epk.crv != "P-256" {
		return refuse("jwe_epk_invalid", "ephemeral key is not a P-256 public key")
	}
	e.epk = epk
	return nil
}

// readParts reads key, iv, ciphertext and tag: direct agreement has no
// encrypted key, AES-GCM has a 96-bit iv and a 128-bit tag.
func readParts(rest string) (p parts, err error) {
	encoded := strings.SplitN(rest, ".", 5)
	if len(encoded) != len(p) {
		return p, refuse("jose_type_confusion", "not a compact encrypted token of five parts")
	}
	for i, size := range []int{0, 12, -1, 16} {
		b, err := DecodeBase64URL(encoded[i])
		if err != nil {
			return p, err
		}
		if size >= 0 && len(b) != size || size < 0 && len(b) == 0 {
			return p, refuse(ReasonDecrypt, "does not open")
		}
		p[i] = b
	}
	return p, nil
}
