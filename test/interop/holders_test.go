package interop

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"facet/credentials/claims"
	"facet/credentials/jose"
)

// TestScriptPresentsDeepOnce: present works once. The library's present unpacks
// twice when it binds, and the first time changes what it unpacks, so that
// digests two levels below a disclosed claim are gone the second time.
func TestScriptPresentsDeepOnce(t *testing.T) {
	script := scriptPeerFor(t)
	s := subject{hash: "sha-256", claims: map[string]any{"a": map[string]any{"b": []any{"x"}}},
		hidden: []claims.Path{{"a"}, {"a", "b", 0}}}
	us, credential := issueTo(t, s, script)
	frame := showFrame(s.everything())
	kb := map[string]any{"nonce": "nonce", "aud": "aud", "iat": time.Now().Unix()}
	request := map[string]any{"op": "present", "credential": credential, "frame": frame, "kb": kb}
	var out string
	if err := script.node.call(request, &out); err == nil || err.Error() != errDeepPresent {
		t.Errorf("its own way: %v", err)
	}
	request["twoSteps"] = true
	if err := script.node.call(request, &out); err != nil {
		t.Fatalf("in two steps: %v", err)
	}
	mustRead(t, us, out, us.issuer(), &binding{"nonce", "aud"}, s.claims)
}

// TestScriptCountsDecoys: decoys are counted. Its holder names array elements by
// their place among the digests, ours by their place in the claims, as a claims
// path does (OpenID4VP §7).
func TestScriptCountsDecoys(t *testing.T) {
	script, d := scriptPeerFor(t), newDesk(t)
	members := registered(script.holder())
	text, _ := json.Marshal(members)
	first, second := d.disclose("salt", "first"), d.disclose("salt", "second")
	credential := d.sign(usualHeader, string(text[1:len(text)-1]),
		fmt.Sprintf(`"list":[{"...":%q},{"...":%q},{"...":%q}]`, digest("decoy"), digest(first), digest(second))) + first + "~" + second + "~"
	b := binding{"nonce", "aud"}
	c := choice{named: []claims.Path{{"list", 1}}, shown: map[string]claims.Path{`["list",1]`: {"list", 1}}}
	out, err := script.present(credential, nil, c, b)
	if err != nil {
		t.Fatal(err)
	}
	us := &ours{}
	mustRead(t, us, out, d.key.Public(), &b, map[string]any{"list": []any{"first"}}) // element 1 of the claims is "second"
}

// TestScriptConfusesDots: dots in names. Its holder joins a path with dots, so
// that a claim "a.b" and a member b of a are one to it, and shows the former when
// asked for the latter.
func TestScriptConfusesDots(t *testing.T) {
	script := scriptPeerFor(t)
	s := subject{hash: "sha-256", claims: map[string]any{"a.b": "not asked for", "a": map[string]any{"b": "asked for"}},
		hidden: []claims.Path{{"a.b"}, {"a", "b"}}}
	us, credential := issueTo(t, s, script)
	b := binding{"nonce", "aud"}
	out, err := script.present(credential, nil, choice{shown: map[string]claims.Path{`["a","b"]`: {"a", "b"}}}, b)
	if err != nil {
		t.Fatal(err)
	}
	mustRead(t, us, out, us.issuer(), &b, map[string]any{"a": map[string]any{}, "a.b": "not asked for"})
}

// TestGoWritesAgain: written again. Its holder encodes the issuer's token anew
// instead of keeping its bytes; what is not written as encoding/json writes it
// loses its signature, and our verifier refuses it.
func TestGoWritesAgain(t *testing.T) {
	them, err := newGoPeer()
	if err != nil {
		t.Fatal(err)
	}
	s := subject{hash: "sha-256", claims: map[string]any{"motto": "a < b", "tier": "plus"}, hidden: []claims.Path{{"tier"}}}
	us, credential := issueTo(t, s, them)
	b := binding{"nonce", "aud"}
	out, err := them.present(credential, nil, s.everything(), b)
	if err != nil {
		t.Fatal(err)
	}
	if split(out).jwt == split(credential).jwt {
		t.Error("the token was kept")
	}
	mustRefuse(t, us, out, us.issuer(), &b, "issuer_signature_invalid")
	if _, err := them.verify(out, us.issuer(), &b); !isRefusal(err) {
		t.Errorf("it verifies its own: %v", err)
	}
}

// TestScriptIssuesNoName: issues a claim without a name. It writes the
// disclosure of such a claim like an array element's, and drops it when reading.
func TestScriptIssuesNoName(t *testing.T) {
	script := scriptPeerFor(t)
	us, err := newOurs()
	if err != nil {
		t.Fatal(err)
	}
	s := subject{hash: "sha-256", claims: map[string]any{"": "x", "tier": "plus"}, hidden: []claims.Path{{""}, {"tier"}}}
	credential, err := script.issue(s, us.holder())
	if err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, us, credential, script.issuer(), nil, "sdjwt_disclosure_arity")
	mustRead(t, script, credential, script.issuer(), nil, map[string]any{"tier": "plus"})
}

// TestScriptHidesBelowCnf: hides below cnf. It guards the names of protected
// claims at the top and not what is below them; both our issuer and our verifier
// refuse that.
func TestScriptHidesBelowCnf(t *testing.T) {
	script := scriptPeerFor(t)
	us, err := newOurs()
	if err != nil {
		t.Fatal(err)
	}
	s := subject{hash: "sha-256", claims: map[string]any{"tier": "plus"}, hidden: []claims.Path{{"cnf", "jwk"}}}
	credential, err := script.issue(s, us.holder())
	if err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, us, credential, script.issuer(), nil, "sdjwt_claim_not_disclosable")
	mustRead(t, script, credential, script.issuer(), nil, map[string]any{"tier": "plus"})
	if _, err := us.issue(s, us.holder()); !isRefusal(err) {
		t.Errorf("ours issues it too: %v", err)
	}
}

func issueTo(t *testing.T, s subject, to peer) (*ours, string) {
	t.Helper()
	us, err := newOurs()
	if err != nil {
		t.Fatal(err)
	}
	credential, err := us.issue(s, to.holder())
	if err != nil {
		t.Fatal(err)
	}
	return us, credential
}

func mustRead(t *testing.T, who peer, presentation string, issuer *jose.PublicKey, b *binding, want map[string]any) {
	t.Helper()
	payload, err := who.verify(presentation, issuer, b)
	if err != nil {
		t.Fatalf("%s refuses: %v", who.dialect().name, err)
	}
	if got := content(payload); !claims.Equal(any(got), any(want)) {
		t.Errorf("%s reads the members %v, not those of %v", who.dialect().name, sortedNames(got), sortedNames(want))
	}
}

func mustRefuse(t *testing.T, us *ours, presentation string, issuer *jose.PublicKey, b *binding, reason string) {
	t.Helper()
	_, err := us.verify(presentation, issuer, b)
	var why interface{ Reason() string }
	if !errors.As(err, &why) || why.Reason() != reason {
		t.Errorf("got %v, want %s", err, reason)
	}
}
