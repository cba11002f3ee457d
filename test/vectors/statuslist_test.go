package vectors

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"facet/credentials/jose"
	"facet/credentials/statuslist"
)

// TestStatusLists decodes the lists of the draft's appendix C and section 4.2,
// looks at every entry, and encodes them again.
func TestStatusLists(t *testing.T) {
	type vector struct {
		Name       string                       `json:"name"`
		Size       uint64                       `json:"size"`
		StatusList statuslist.Encoded           `json:"status_list"`
		All        []statuslist.Status          `json:"expected_all"`
		Others     map[string]statuslist.Status `json:"expected_non_default"`
	}
	all := decode[[]vector](t, read(t, "status-list", "appendix-c.json"))
	if len(all) != 6 {
		t.Fatalf("%d vectors, want 6", len(all))
	}
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) {
			l, err := statuslist.Decode(v.StatusList)
			if err != nil {
				t.Fatal(err)
			}
			if l.Len() != v.Size {
				t.Fatalf("%d entries, want %d", l.Len(), v.Size)
			}
			again, err := statuslist.New(l.Bits(), int(l.Len()))
			if err != nil {
				t.Fatal(err)
			}
			for i := range l.Len() {
				got, err := l.Get(i)
				if err != nil {
					t.Fatal(err)
				}
				want := v.Others[strconv.FormatUint(i, 10)]
				if v.All != nil {
					want = v.All[i]
				}
				if got != want {
					t.Fatalf("entry %d is %d, want %d", i, got, want)
				}
				if err := again.Set(i, got); err != nil {
					t.Fatal(err)
				}
			}
			encoded, err := again.Encode()
			if err != nil {
				t.Fatal(err)
			}
			back, err := statuslist.Decode(encoded)
			if err != nil {
				t.Fatal(err)
			}
			for i := range l.Len() {
				a, _ := l.Get(i)
				if b, err := back.Get(i); err != nil || a != b {
					t.Fatalf("entry %d changed in encoding", i)
				}
			}
		})
	}
}

// TestStatusListToken reads the example token of the draft. The draft does not
// print its key, so the payload is signed again before it is verified.
func TestStatusListToken(t *testing.T) {
	token, err := statuslist.Parse(text(t, "status-list", "status_list_jwt.txt"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := jose.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := statuslist.Verify(token, key.Public()); err == nil {
		t.Fatal("verified with a stranger's key")
	}
	payload, err := jose.DecodeBase64URL(strings.Split(token.Raw(), ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	signed, err := jose.Sign(t.Context(), key, map[string]any{"typ": statuslist.TokenType, "kid": "12"}, payload)
	if err != nil {
		t.Fatal(err)
	}
	if token, err = statuslist.Parse(signed); err != nil {
		t.Fatal(err)
	}
	v, err := statuslist.Verify(token, key.Public())
	if err != nil {
		t.Fatal(err)
	}
	if err := v.ValidAt(time.Unix(1700000000, 0), 0); err != nil {
		t.Error(err)
	}
	if err := v.ValidAt(time.Unix(2291720170, 0), 0); err == nil {
		t.Error("valid at its own exp")
	}
	if v.Subject() != "https://example.com/statuslists/1" || v.List().Bits() != 1 {
		t.Errorf("subject %q, %d bits", v.Subject(), v.List().Bits())
	}
}
