package audit

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"testing"
)

func TestSeal(t *testing.T) {
	key := NewKey()
	asked := testAsked().Paths
	values := Values{"prefs": {`["topics",null]`: []byte(`["596"]`)}}
	c, openings, err := Seal(key, asked, values)
	if err != nil || !c.fit(asked) {
		t.Fatal(c, err)
	}
	if len(openings) != 1 || openings[0].Query != "prefs" || openings[0].Index != 1 {
		t.Fatalf("openings %v", openings)
	}
	raw, _ := base64.RawURLEncoding.DecodeString(openings[0].Key)
	if !Open(Key(raw), []byte(`["596"]`), c["prefs"][1]) {
		t.Error("does not open to its value")
	}
	for name, opens := range map[string]bool{
		"another value": Open(Key(raw), []byte(`["483"]`), c["prefs"][1]),
		"another slot":  Open(Key(raw), []byte(`["596"]`), c["prefs"][0]),
		"the entry key": Open(key, []byte(`["596"]`), c["prefs"][1]),
		"a decoy":       Open(Slot{"prefs", `["depth"]`, 0}.key(extract(key)), []byte(`null`), c["prefs"][0]),
	} {
		if opens {
			t.Errorf("opens with %s", name)
		}
	}
	_, _, err = Seal(key, asked, Values{"prefs": {`["mood"]`: []byte(`"sad"`)}})
	wantReason(t, err, ReasonSchema)
}

func TestSlotsHaveTheirOwnKeys(t *testing.T) {
	key := NewKey()
	seen := map[Key]Slot{}
	for _, s := range []Slot{{"a", "b", 0}, {"a", "b", 1}, {"ab", "", 0}, {"", "ab", 0}, {"b", "a", 0}} {
		k, _ := Commit(key, s, []byte("1"))
		if other, twice := seen[k]; twice {
			t.Errorf("%v and %v share a key", s, other)
		}
		seen[k] = s
	}
	if k, _ := SealConsent(key, nil); k == key {
		t.Error("the consent's key is the entry's")
	}
}

// TestCommitIsStable pins the derivation, computed by another program: receipts
// must open for good.
func TestCommitIsStable(t *testing.T) {
	k, c := Commit(Key{1}, Slot{"member", `["tier"]`, 0}, []byte(`"plus"`))
	got := fmt.Sprintf("%x %x", k[:8], c[:8])
	if want := "3f39b0d8ce0d7b34 44fc3d01909e2c6f"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

func TestGuessing(t *testing.T) {
	t.Run("LOG-017", func(t *testing.T) {
		slot := Slot{"prefs", `["depth"]`, 0}
		values := [][]byte{[]byte(`"overview"`), []byte(`"standard"`), []byte(`"detail"`)}
		_, c := Commit(NewKey(), slot, values[1])
		const guesses = 1_000_000
		recovered := 0
		var k Key
		rand.Read(k[:])
		for i := range guesses {
			binary.BigEndian.PutUint64(k[:], uint64(i))
			if Open(k, values[i%len(values)], c) {
				recovered++
			}
		}
		if recovered != 0 {
			t.Fatalf("%d of %d recovered", recovered, guesses)
		}
		_, again := Commit(NewKey(), slot, values[1])
		if bytes.Equal(again[:], c[:]) {
			t.Fatal("one value has one commitment")
		}
	})
}
