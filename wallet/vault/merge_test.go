package vault

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// A device edits its own copy and syncs with the host now and then.
type device struct {
	v    *Vault
	seen HighWater
}

type host struct{ sealed []byte }

// sync is what a wallet does: open the host's state, merge, save.
func (d *device) sync(t *testing.T, h *host) {
	t.Helper()
	theirs := must(Open(h.sealed, passkey(1), d.seen))(t)
	check(t, d.v.Merge(theirs))
	h.sealed = sealed(t, d.v)
	d.v.Saved()
	d.seen = d.v.Head()
}

// restart reopens the device's offline copy, with what it has not synced.
func (d *device) restart(t *testing.T) {
	t.Helper()
	d.v = must(Open(sealed(t, d.v), passkey(1), d.seen))(t)
}

func TestMerge(t *testing.T) {
	t.Run("VLT-019", func(t *testing.T) {
		rounds := 300
		if soak {
			rounds = 10_000
		}
		for seed := range rounds {
			interleave(t, rand.New(rand.NewPCG(uint64(seed), 7)))
		}
	})
}

func interleave(t *testing.T, r *rand.Rand) {
	v, _, err := Create(passkey(1))
	check(t, err)
	for i := range 3 {
		check(t, v.Put("preferences", fmt.Sprint(i), []byte("start")))
	}
	h := &host{sealed(t, v)}
	devices := []*device{{seen: v.Head()}, {seen: v.Head()}}
	for _, d := range devices {
		d.v = must(Open(h.sealed, passkey(1), d.seen))(t)
		d.v.Saved()
	}
	alive := map[string]bool{} // values nobody who saw them replaced or deleted
	retire := func(d *device, id string) {
		if old, err := d.v.Get("preferences", id); err == nil {
			delete(alive, string(old))
		}
	}
	for step := range 6 + r.IntN(12) {
		d, id := devices[r.IntN(2)], fmt.Sprint(r.IntN(4))
		switch r.IntN(8) {
		case 0, 1, 2, 3:
			retire(d, id)
			value := fmt.Sprintf("value of step %d", step)
			check(t, d.v.Put("preferences", id, []byte(value)))
			alive[value] = true
		case 4:
			retire(d, id)
			if err := d.v.Delete("preferences", id); err != nil {
				want(t, err, ReasonNotFound)
			}
		case 5:
			d.restart(t)
		default:
			d.sync(t, h)
		}
	}
	for range 2 {
		devices[0].sync(t, h)
		devices[1].sync(t, h)
	}
	devices[0].sync(t, h)
	a, b := content(t, devices[0].v), content(t, devices[1].v)
	if !maps.Equal(a, b) {
		t.Fatalf("the devices differ:\n%v\n%v", a, b)
	}
	values := slices.Collect(maps.Values(a))
	for value := range alive {
		if !slices.Contains(values, value) {
			t.Fatalf("%q is lost; left: %v", value, a)
		}
	}
}

func TestMergeKeepsBothSides(t *testing.T) {
	v, _ := fresh(t)
	base := sealed(t, v)
	v.Saved()
	theirs := must(Open(base, passkey(1), HighWater{}))(t)
	theirs.Saved()
	check(t, theirs.Put("preferences", "mine", []byte("theirs")))
	check(t, v.Put("preferences", "mine", []byte("ours")))
	check(t, v.Merge(theirs))
	if got := string(must(v.Get("preferences", "mine"))(t)); got != "theirs" {
		t.Fatalf("the accepted version is %q", got)
	}
	ids := v.List(ConflictPrefix + "preferences")
	if len(ids) != 1 {
		t.Fatalf("%d conflict copies, want 1", len(ids))
	}
	if got := string(must(v.Get(ConflictPrefix+"preferences", ids[0]))(t)); got != "ours" {
		t.Fatalf("the copy kept is %q", got)
	}
	other, _ := fresh(t)
	want(t, v.Merge(other), ReasonArgument)
}

func TestMergeKeepsRecipients(t *testing.T) {
	v, code := fresh(t)
	check(t, v.AddPasskey(passkey(2), "old phone"))
	base := sealed(t, v)
	v.Saved()
	theirs := must(Open(base, passkey(1), HighWater{}))(t)
	check(t, theirs.AddPasskey(passkey(3), "theirs"))
	check(t, v.AddPasskey(passkey(4), "ours"))
	check(t, v.Remove(passkeyID(v.id, passkey(2).CredentialID).String()))
	check(t, v.Merge(theirs))
	s := sealed(t, v)
	for _, k := range []Key{passkey(1), passkey(3), passkey(4), code} {
		if _, err := Open(s, k, HighWater{}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Open(s, passkey(2), HighWater{})
	want(t, err, ReasonUnwrap)
}
