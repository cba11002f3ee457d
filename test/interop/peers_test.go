package interop

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"facet/credentials/claims"
	"facet/credentials/jose"
)

const (
	vct     = "https://types.example/interop"
	issURL  = "https://issuer.example"
	typical = time.Hour // validity of what is issued here
)

// A binding is what a verifier asked a presentation to be bound to.
type binding struct{ nonce, audience string }

// A peer issues, holds and verifies SD-JWT VCs. All of ours and theirs do it
// through this, so that each leg of a test is one line.
type peer interface {
	dialect() dialect
	// issuer and holder are the public keys it issues with and is bound by.
	issuer() *jose.PublicKey
	holder() *jose.PublicKey
	issue(s subject, holder *jose.PublicKey) (string, error)
	// present shows a choice of a credential by that issuer, bound to holder.
	present(credential string, issuer *jose.PublicKey, c choice, b binding) (string, error)
	// verify returns the processed payload; with b nil, of a credential
	// without key binding.
	verify(presentation string, issuer *jose.PublicKey, b *binding) (map[string]any, error)
}

// registered are the claims of the envelope, the same in every credential.
func registered(holder *jose.PublicKey) map[string]any {
	now := time.Now()
	return map[string]any{
		"iss": issURL, "vct": vct, "iat": now.Unix(), "exp": now.Add(typical).Unix(),
		"cnf": map[string]any{"jwk": holder.JWK()},
	}
}

// content is a processed payload without its envelope.
func content(payload map[string]any) map[string]any {
	out := maps.Clone(payload)
	for _, name := range []string{"iss", "vct", "iat", "exp", "cnf", "nbf"} {
		delete(out, name)
	}
	return out
}

// plain reads JSON as our own parser does: numbers as written.
func plain(text []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var out map[string]any
	return out, d.Decode(&out)
}

func sortedNames(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }

// ---- @sd-jwt/sd-jwt-vc, in a Node process

type scriptPeer struct {
	node *child
	keys struct{ Issuer, Holder json.RawMessage }
	iss  *jose.PublicKey
	hold *jose.PublicKey

	byHand int // presentations its own way failed for
}

func newScriptPeer() (*scriptPeer, error) {
	node, err := startChild("peer.mjs")
	if err != nil {
		return nil, err
	}
	p := &scriptPeer{node: node}
	if err := node.call(map[string]any{"op": "keys"}, &p.keys); err != nil {
		return nil, err
	}
	if p.iss, err = jose.ParsePublicKey(p.keys.Issuer); err != nil {
		return nil, err
	}
	p.hold, err = jose.ParsePublicKey(p.keys.Holder)
	return p, err
}

func (*scriptPeer) dialect() dialect {
	return dialect{name: "@sd-jwt/sd-jwt-vc", nulls: true, empty: true, markup: true}
}
func (p *scriptPeer) issuer() *jose.PublicKey { return p.iss }
func (p *scriptPeer) holder() *jose.PublicKey { return p.hold }

func (p *scriptPeer) issue(s subject, holder *jose.PublicKey) (out string, err error) {
	return out, p.node.call(map[string]any{
		"op": "issue", "claims": s.claims, "frame": hideFrame(s), "hash": s.hash, "payload": registered(holder), "header": map[string]any{},
	}, &out)
}

// present takes the library's own way first and binds by hand where that fails
// with the fault of TestScriptPresentsDeepOnce.
func (p *scriptPeer) present(credential string, _ *jose.PublicKey, c choice, b binding) (out string, err error) {
	request := map[string]any{
		"op": "present", "credential": credential, "frame": showFrame(c),
		"kb": map[string]any{"nonce": b.nonce, "aud": b.audience, "iat": time.Now().Unix()},
	}
	if err = p.node.call(request, &out); err != nil && err.Error() == errDeepPresent {
		p.byHand++
		request["twoSteps"] = true
		err = p.node.call(request, &out)
	}
	return out, err
}

const errDeepPresent = "peer: Unreferenced disclosure(s) detected in SD-JWT"

func (p *scriptPeer) verify(presentation string, issuer *jose.PublicKey, b *binding) (map[string]any, error) {
	request := map[string]any{"op": "verify", "presentation": presentation, "key": issuer.JWK()}
	if b != nil {
		request["nonce"], request["aud"] = b.nonce, b.audience
	}
	var payload json.RawMessage
	if err := p.node.call(request, &payload); err != nil {
		return nil, err
	}
	return plain(payload)
}

// hideFrame is the library's disclosure frame: _sd lists what is hidden at a
// level, other members lead down.
func hideFrame(s subject) map[string]any {
	frame := map[string]any{}
	for _, p := range s.hidden {
		at := descend(frame, p[:len(p)-1])
		sd, _ := at["_sd"].([]any)
		at["_sd"] = append(sd, p[len(p)-1])
	}
	if s.decoys > 0 && len(s.hidden) > 0 {
		frame["_sd_decoy"] = s.decoys
	}
	return frame
}

// showFrame is its presentation frame: every member on the way to what is
// shown, and at its end true.
func showFrame(c choice) map[string]any {
	frame := map[string]any{}
	for _, p := range c.shown {
		at := descend(frame, p[:len(p)-1])
		last := stepName(p[len(p)-1])
		if _, led := at[last]; !led {
			at[last] = true
		}
	}
	return frame
}

func descend(frame map[string]any, p claims.Path) map[string]any {
	for _, step := range p {
		next, ok := frame[stepName(step)].(map[string]any)
		if !ok {
			next = map[string]any{}
			frame[stepName(step)] = next
		}
		frame = next
	}
	return frame
}

func stepName(step any) string {
	if i, ok := step.(int); ok {
		return strconv.Itoa(i)
	}
	return step.(string)
}
