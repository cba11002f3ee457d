package interop

import (
	"bytes"
	"crypto"
	_ "crypto/sha512" // hashes the peer asks for by number
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/MichaelFraser99/go-jose/jws"
	"github.com/MichaelFraser99/go-jose/model"
	gosdjwt "github.com/MichaelFraser99/go-sd-jwt"
	"github.com/MichaelFraser99/go-sd-jwt/disclosure"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/sdjwt"
)

// goPeer is github.com/MichaelFraser99/go-sd-jwt with its sister go-jose. The
// library checks no signature, no nonce and no audience; its README has the
// caller do it, and here that is done as its tests do.
type goPeer struct {
	iss, hold model.Signer
	issuerKey *jose.PublicKey
	holderKey *jose.PublicKey
}

func newGoPeer() (*goPeer, error) {
	p := &goPeer{}
	for _, k := range []struct {
		signer *model.Signer
		public **jose.PublicKey
	}{{&p.iss, &p.issuerKey}, {&p.hold, &p.holderKey}} {
		var err error
		if *k.signer, err = jws.GetSigner(model.ES256, nil); err != nil {
			return nil, err
		}
		if *k.public, err = jose.PublicKeyFromCrypto((*k.signer).Public()); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (*goPeer) dialect() dialect          { return dialect{name: "go-sd-jwt", decoys: true} }
func (p *goPeer) issuer() *jose.PublicKey { return p.issuerKey }
func (p *goPeer) holder() *jose.PublicKey { return p.holderKey }

// issue builds the payload with the library's disclosures: it has no issuer of
// its own.
func (p *goPeer) issue(s subject, holder *jose.PublicKey) (string, error) {
	pack := packer{hidden: map[string]bool{}, hash: s.hash}
	for _, h := range s.hidden {
		pack.hidden[h.String()] = true
	}
	packed, err := pack.value(s.claims, nil)
	if err != nil {
		return "", err
	}
	payload := registered(holder)
	maps.Copy(payload, packed.(map[string]any))
	if len(pack.disclosures) > 0 {
		payload["_sd_alg"] = s.hash
	}
	return p.sign(map[string]any{"typ": credentials.Type}, payload, pack.disclosures)
}

func (p *goPeer) sign(header, payload map[string]any, disclosures []string) (string, error) {
	header["alg"] = p.iss.Alg().String()
	var parts [2]string
	for i, part := range []map[string]any{header, payload} {
		text, err := json.Marshal(part)
		if err != nil {
			return "", err
		}
		parts[i] = base64.RawURLEncoding.EncodeToString(text)
	}
	input := parts[0] + "." + parts[1]
	signature, err := p.iss.Sign(nil, []byte(input), nil)
	if err != nil {
		return "", err
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature) + "~" + strings.Join(append(disclosures, ""), "~"), nil
}

type packer struct {
	hidden      map[string]bool
	hash        string
	disclosures []string
}

func (k *packer) value(v any, at claims.Path) (any, error) {
	object, array := map[string]any{}, []any{}
	var sd []string
	var failed error
	each(v, func(step, below any) {
		p := append(at[:len(at):len(at)], step)
		packed, err := k.value(below, p)
		name, isMember := step.(string)
		var d string
		if err == nil && k.hidden[p.String()] {
			d, err = k.disclose(name, isMember, packed)
		}
		switch {
		case err != nil:
			failed = errors.Join(failed, err)
		case isMember && d != "":
			sd = append(sd, d)
		case isMember:
			object[name] = packed
		case d != "":
			array = append(array, map[string]any{"...": d})
		default:
			array = append(array, packed)
		}
	})
	if sd != nil {
		slices.Sort(sd)
		object["_sd"] = sd
	}
	switch v.(type) {
	case map[string]any:
		return object, failed
	case []any:
		return array, failed
	}
	return v, failed
}

func (k *packer) disclose(name string, isMember bool, v any) (string, error) {
	var d *disclosure.Disclosure
	var err error
	if isMember {
		d, err = disclosure.NewFromObject(name, v, nil)
	} else {
		d, err = disclosure.NewFromArrayElement(v, nil)
	}
	if err != nil {
		return "", err
	}
	h, err := gosdjwt.GetHash(k.hash)
	if err != nil {
		return "", err
	}
	k.disclosures = append(k.disclosures, d.EncodedValue)
	return string(d.Hash(h)), nil
}

var peerHashes = map[string]crypto.Hash{"": crypto.SHA256, "sha-256": crypto.SHA256, "sha-384": crypto.SHA384, "sha-512": crypto.SHA512}

// present keeps the chosen disclosures. The library does not know where a
// disclosure belongs, so our parser tells which those are.
func (p *goPeer) present(credential string, _ *jose.PublicKey, c choice, b binding) (string, error) {
	sd, err := sdjwt.Parse(credential)
	if err != nil {
		return "", err
	}
	preview, err := sd.Unverified()
	if err != nil {
		return "", err
	}
	keep := map[string]bool{}
	for _, d := range preview.Disclosures {
		_, shown := c.shown[d.Path.String()]
		keep[d.Encoded] = shown
	}
	theirs, err := gosdjwt.New(credential)
	if err != nil {
		return "", err
	}
	theirs.Disclosures = slices.DeleteFunc(theirs.Disclosures, func(d disclosure.Disclosure) bool { return !keep[d.EncodedValue] })
	hash, _ := theirs.Body["_sd_alg"].(string)
	if err := theirs.AddKeyBindingJwt(p.hold, peerHashes[hash], p.hold.Alg().String(), b.audience, b.nonce); err != nil {
		return "", err
	}
	token, err := theirs.Token()
	if err != nil {
		return "", err
	}
	return *token, nil
}

// errPanic is a peer that panicked instead of refusing.
var errPanic = errors.New("peer: panic")

func (p *goPeer) verify(presentation string, issuer *jose.PublicKey, b *binding) (map[string]any, error) {
	disclosed, err := p.disclosed(presentation, issuer, b)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(disclosed)
	if err != nil {
		return nil, err
	}
	return plain(text)
}

// disclosed verifies and returns what the library does, with its rounded
// numbers.
func (*goPeer) disclosed(presentation string, issuer *jose.PublicKey, b *binding) (disclosed map[string]any, err error) {
	defer func() {
		if r := recover(); r != nil {
			disclosed, err = nil, fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	theirs, err := gosdjwt.New(presentation)
	if err != nil {
		return nil, &errPeer{"token refused"} // its messages quote what they refuse
	}
	jwt, _, _ := strings.Cut(presentation, "~")
	if err := checkSignature(jwt, issuer); err != nil {
		return nil, err
	}
	if disclosed, err = theirs.GetDisclosedClaims(); err != nil {
		return nil, &errPeer{"disclosures refused"}
	}
	if b != nil {
		err = checkBinding(theirs, disclosed, *b)
	}
	return disclosed, err
}

func checkBinding(theirs *gosdjwt.SdJwt, disclosed map[string]any, b binding) error {
	if theirs.KbJwt == nil {
		return &errPeer{"no key binding"}
	}
	cnf, _ := disclosed["cnf"].(map[string]any)
	members, _ := cnf["jwk"].(map[string]any)
	holder, err := jose.PublicKeyFromMap(members)
	if err != nil {
		return &errPeer{"cnf holds no key"}
	}
	if err := checkSignature(theirs.KbJwt.Token, holder); err != nil {
		return err
	}
	if *theirs.KbJwt.Nonce != b.nonce || *theirs.KbJwt.Aud != b.audience {
		return &errPeer{"nonce or aud is another's"}
	}
	return nil
}

func checkSignature(jwt string, key *jose.PublicKey) error {
	at := strings.LastIndexByte(jwt, '.')
	signature, err := base64.RawURLEncoding.DecodeString(jwt[at+1:])
	if err != nil {
		return &errPeer{"signature is not base64url"}
	}
	validator, err := jws.GetValidator(model.ES256, key.Crypto())
	if err != nil {
		return err
	}
	if ok, err := validator.ValidateSignature([]byte(jwt[:at]), bytes.Clone(signature)); err != nil || !ok {
		return &errPeer{"signature invalid"}
	}
	return nil
}
