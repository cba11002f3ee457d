package vault

import (
	"bytes"
	"crypto/hpke"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/quick"
	"time"
)

// What a hostile host, a hostile disk or a tired device does to a sealed vault.
// Rows not here need a host or a browser: VLT-020 and VLT-021 are with the
// server and its stores (wallet/server).
func TestHostileHost(t *testing.T) {
	v, code := fresh(t)
	check(t, v.AddPasskey(passkey(2), "phone"))
	s := sealed(t, v)
	open := func(b []byte) error { _, err := Open(b, passkey(1), HighWater{}); return err }
	check(t, open(s))

	t.Run("VLT-002", func(t *testing.T) {
		for n := range len(s) {
			want(t, open(s[:n]), ReasonAuth, ReasonFormat)
		}
		for n := 1; n <= 64; n++ {
			want(t, open(append(slices.Clone(s), make([]byte, n)...)), ReasonAuth, ReasonFormat)
		}
	})
	t.Run("any bit flipped", func(t *testing.T) {
		for at := range s {
			b := slices.Clone(s)
			b[at] ^= 1 << (at % 8)
			if err := open(b); err == nil {
				t.Fatalf("byte %d of %d can be changed unnoticed", at, len(s))
			}
		}
	})
	t.Run("VLT-003", func(t *testing.T) {
		host, err := passkey(666).recipient(v.id)
		check(t, err)
		forged := stanza{id: host.id, mac: make([]byte, 32)}
		forged.wrapped, err = hpke.Seal(host.kem.PublicKey(), suite.kdf, suite.aead, stanzaInfo(v.id, host.id), make([]byte, keySize))
		check(t, err)
		forged.mac = forged.authenticate(v.id, host.auth)
		b := twist(t, s, func(e *envelope) { e.stanzas = append(e.stanzas, forged) })
		want(t, open(b), ReasonRecipient)
		own := twist(t, s, func(e *envelope) { e.stanzas[2].wrapped = forged.wrapped })
		want(t, open(own), ReasonRecipient)
	})
	t.Run("VLT-004", func(t *testing.T) {
		for i := 1; i < 3; i++ { // all but the one that opens
			want(t, open(twist(t, s, func(e *envelope) { e.stanzas = slices.Delete(e.stanzas, i, i+1) })), ReasonHeader)
		}
		want(t, open(twist(t, s, func(e *envelope) { e.stanzas[1], e.stanzas[2] = e.stanzas[2], e.stanzas[1] })), ReasonHeader)
	})
	t.Run("VLT-005", func(t *testing.T) {
		other := random(idSize)
		want(t, open(twist(t, s, func(e *envelope) { e.vaultID = other })), ReasonUnwrap)                 // HKDF salt
		want(t, open(twist(t, s, func(e *envelope) { e.stanzas[0].id[0] ^= 1 })), ReasonUnwrap)           // credential id
		want(t, open(twist(t, s, func(e *envelope) { e.stanzas[0].id = e.stanzas[2].id })), ReasonUnwrap) // another's
		want(t, open(twist(t, s, func(e *envelope) { e.stanzas[1].id[0] ^= 1 })), ReasonRecipient)        // the code's
		want(t, open(twist(t, s, func(e *envelope) { e.mac = random(32) })), ReasonHeader)
	})
	t.Run("VLT-006", func(t *testing.T) {
		other, _ := fresh(t)
		theirs := must(parse(sealed(t, other)))(t)
		want(t, open(twist(t, s, func(e *envelope) { e.records[0].box = theirs.records[0].box })), ReasonAuth)
		want(t, open(twist(t, s, func(e *envelope) { e.records[0] = theirs.records[0] })), ReasonAuth)
		want(t, open(twist(t, s, func(e *envelope) { e.manifest = theirs.manifest })), ReasonAuth)
		want(t, open(twist(t, s, func(e *envelope) {
			e.records[0].box, e.records[1].box = e.records[1].box, e.records[0].box
		})), ReasonAuth)
		want(t, open(twist(t, s, func(e *envelope) { e.records = e.records[1:] })), ReasonAuth)
		want(t, open(twist(t, s, func(e *envelope) { e.records = append(e.records, e.records[0]) })), ReasonAuth)
	})
	t.Run("VLT-014", func(t *testing.T) {
		before := slices.Clone(s)
		wrong := passkey(1)
		wrong.PRF = slices.Clone(wrong.PRF)
		wrong.PRF[31] ^= 1
		_, err := Open(s, wrong, HighWater{})
		want(t, err, ReasonUnwrap)
		if !bytes.Contains([]byte(err.Error()), []byte("recovery code")) {
			t.Fatalf("the error does not say what to do: %v", err)
		}
		if !bytes.Equal(s, before) {
			t.Fatal("Open changed the sealed vault")
		}
		check(t, open(s))
	})
	t.Run("VLT-015", func(t *testing.T) {
		if _, err := Open(s, code, v.Head()); err != nil {
			t.Fatalf("recovery code: %v", err)
		}
		_, err := Open(s, nil, HighWater{})
		want(t, err, ReasonLost)
	})
	t.Run("VLT-022", func(t *testing.T) {
		huge := make([]byte, 512<<20)
		copy(huge, s)
		crowd := append([]byte(magic), make([]byte, idSize)...)
		crowd = append(crowd, 255)
		many := slices.Clone(s[:bytes.Index(s, must(parse(s))(t).manifest)])
		many = append(many, must(parse(s))(t).manifest...)
		many = append(many, 0xff, 0xff)
		for _, b := range [][]byte{huge, crowd, many} {
			var err error
			if n := testing.AllocsPerRun(1, func() { _, err = parse(b) }); n > 16 {
				t.Errorf("%v allocations before the limit", n)
			}
			want(t, err, ReasonSize)
		}
	})
}

func TestRollbackAndFork(t *testing.T) {
	v, _ := fresh(t)
	var states [][]byte
	for n := range 5 {
		check(t, v.Put("preferences", "mine", fmt.Appendf(nil, "version %d", n)))
		states = append(states, sealed(t, v))
		v.Saved()
	}
	newest, seen := states[4], v.Head()
	if _, err := Open(newest, passkey(1), seen); err != nil {
		t.Fatal(err)
	}
	t.Run("VLT-008", func(t *testing.T) {
		old := must(parse(states[3]))(t)
		b := twist(t, newest, func(e *envelope) {
			for i, r := range e.records {
				for _, o := range old.records {
					if o.rid == r.rid {
						e.records[i] = o
					}
				}
			}
		})
		_, err := Open(b, passkey(1), seen)
		want(t, err, ReasonRecordOld)
	})
	t.Run("VLT-009", func(t *testing.T) {
		for _, old := range states[:4] {
			_, err := Open(old, passkey(1), seen)
			want(t, err, ReasonRollback)
		}
	})
	t.Run("VLT-010", func(t *testing.T) {
		// The host shows two devices different successors of one state.
		a := must(Open(states[1], passkey(1), HighWater{}))(t)
		b := must(Open(states[1], passkey(1), HighWater{}))(t)
		check(t, a.Put("today", "x", []byte("on the phone")))
		check(t, b.Put("today", "x", []byte("on the laptop")))
		phone, laptop := sealed(t, a), sealed(t, b)
		_, err := Open(laptop, passkey(1), a.Head())
		want(t, err, ReasonFork)
		// It goes on with one of the branches: the other device still notices.
		next := must(Open(laptop, passkey(1), b.Head()))(t)
		for n := range 3 {
			check(t, next.Put("today", "y", fmt.Append(nil, n)))
			_, err := Open(sealed(t, next), passkey(1), a.Head())
			want(t, err, ReasonFork)
		}
		_, err = Open(phone, passkey(1), next.Head())
		want(t, err, ReasonRollback)
		other, _ := fresh(t)
		_, err = Open(sealed(t, other), passkey(1), seen)
		want(t, err, ReasonFork)
	})
	t.Run("a device away for too many saves", func(t *testing.T) {
		long := must(Open(newest, passkey(1), seen))(t)
		for n := range maxHistory {
			check(t, long.Put("today", "x", fmt.Append(nil, n)))
			sealed(t, long)
		}
		if _, err := Open(sealed(t, long), passkey(1), seen); err != nil {
			t.Fatalf("after %d saves: %v", maxHistory, err)
		}
		check(t, long.Put("today", "x", []byte("one more")))
		_, err := Open(sealed(t, long), passkey(1), seen)
		want(t, err, ReasonHistoryGap)
	})
}

func TestNonces(t *testing.T) {
	t.Run("VLT-012", func(t *testing.T) {
		n := 1_000_000
		if soak {
			n = 10_000_000
		}
		k := newKeys(random(idSize), random(keySize))
		type nonce [12]byte
		all := make([]nonce, n)
		for i := range all {
			all[i] = nonce(k.record.Seal(nil, nil, nil, nil))
		}
		slices.SortFunc(all, func(a, b nonce) int { return bytes.Compare(a[:], b[:]) })
		if u := len(slices.Compact(all)); u != n {
			t.Fatalf("%d nonces repeat in %d seals", n-u, n)
		}
	})
}

func TestRemovedPasskey(t *testing.T) {
	t.Run("VLT-018", func(t *testing.T) {
		v, _ := fresh(t)
		check(t, v.AddPasskey(passkey(2), "lost phone"))
		old := sealed(t, v)
		check(t, v.Remove(passkeyID(v.id, passkey(2).CredentialID).String()))
		check(t, v.Put("credential", "c", []byte("came later")))
		_, err := Open(sealed(t, v), passkey(2), HighWater{})
		want(t, err, ReasonUnwrap)
		before := must(Open(old, passkey(2), HighWater{}))(t)
		if got := fmt.Sprint(before.List("credential")); got != "[a b]" {
			t.Fatalf("the old copy holds %s", got)
		}
		// The old copy's key opens nothing of the new state, header included.
		mixed := twist(t, sealed(t, v), func(e *envelope) { e.stanzas = must(parse(old))(t).stanzas })
		_, err = Open(mixed, passkey(2), HighWater{})
		want(t, err, ReasonAuth)
	})
}

func TestRecoveryCode(t *testing.T) {
	v, code := fresh(t)
	s := sealed(t, v)
	t.Run("VLT-016", func(t *testing.T) {
		text := code.String()
		for at, r := range text {
			for _, other := range alphabet {
				typo := []rune(text)
				if typo[at] = other; r == '-' || r == other {
					continue
				}
				_, err := ParseCode(string(typo))
				want(t, err, ReasonCodeChecksum)
			}
		}
		plain := bytes.ReplaceAll([]byte(text), []byte("-"), nil)
		for at := range len(plain) - 1 {
			swapped := slices.Clone(plain)
			swapped[at], swapped[at+1] = swapped[at+1], swapped[at]
			if plain[at] != plain[at+1] {
				_, err := ParseCode(string(swapped))
				want(t, err, ReasonCodeChecksum)
			}
		}
		for _, bad := range []string{"", text[1:], text + "0", text[:len(text)-1] + "U", text[:4] + "é" + text[5:]} {
			_, err := ParseCode(bad)
			want(t, err, ReasonCodeFormat)
		}
		for _, good := range []string{
			text, string(plain), string(bytes.ToLower([]byte(text))), " " + string(bytes.ReplaceAll([]byte(text), []byte("-"), []byte("  "))) + "\n",
			strings.NewReplacer("0", "o", "1", "l").Replace(text),
		} {
			got, err := ParseCode(good)
			check(t, err)
			if got != code {
				t.Fatalf("%q is read as another code", good)
			}
		}
		_, err := Open(s, NewCode(), HighWater{})
		want(t, err, ReasonUnwrap)
	})
	t.Run("VLT-017", func(t *testing.T) {
		if CodeBits < 128 {
			t.Fatal("a code must have at least 128 bits")
		}
		// What the host learns (lookup id, sign-in secret) is not what opens the
		// vault, and none of the three contains another.
		r, err := code.recipient(v.id)
		check(t, err)
		values := [][]byte{code.secret[:], code.LookupID(), code.SignInSecret(), r.auth, r.kem.PublicKey().Bytes()[:32]}
		for i, a := range values {
			for j, b := range values {
				if i != j && bytes.Contains(a, b[:8]) {
					t.Fatalf("value %d shows in value %d", j, i)
				}
			}
		}
		if bytes.Contains(s, code.SignInSecret()) || bytes.Contains(s, code.secret[:]) {
			t.Fatal("the sealed vault holds a verifier of the code")
		}
	})
}

func TestCodeRoundTrip(t *testing.T) {
	ok := func(secret [codeSize]byte) bool {
		c := Code{secret}
		got, err := ParseCode(c.String())
		return err == nil && got == c && len(c.Groups()) == CodeGroups
	}
	if err := quick.Check(ok, nil); err != nil {
		t.Fatal(err)
	}
}

func TestOpenIsQuick(t *testing.T) {
	// Any input up to the limit is refused without much work: 4 MiB of noise
	// behind a valid start.
	v, _ := fresh(t)
	noise := make([]byte, MaxSealed)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(noise)
	copy(noise, sealed(t, v))
	start := time.Now()
	_, err := Open(noise, passkey(1), HighWater{})
	want(t, err, ReasonFormat, ReasonAuth)
	t.Logf("refused in %v", time.Since(start))
}

func FuzzOpen(f *testing.F) {
	var all vectors
	check(f, json.Unmarshal(vectorFile, &all))
	known := all.Vaults[1] // fixed: fuzzing runs in several processes
	s, key := known.Sealed, passkey(known.Passkey)
	f.Add(s)
	f.Add(s[:40])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := parse(b); err == nil {
			if again, err := e.bytes(); err != nil || !bytes.Equal(again, b) {
				t.Fatal("parse and bytes are not inverse")
			}
		}
		if _, err := Open(b, key, HighWater{}); err == nil && !bytes.Equal(b, s) {
			t.Fatal("an altered vault opens")
		}
	})
}
