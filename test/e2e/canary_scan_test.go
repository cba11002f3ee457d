package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A canary is something that must not turn up where it does not belong.
type canary struct {
	name string // what it is; the value itself is never reported
	word []byte
}

// leastCanary is how long a canary must be so that chance cannot sing.
const leastCanary = 7

// A place is somewhere to look: its name, everything that is kept there, and
// texts that may be there whatever words they hold.
type place struct {
	name   string
	hay    [][]byte
	public [][]byte
}

// folds is how deep encodings inside encodings are followed.
const folds = 3

var (
	base64Run = regexp.MustCompile(`[A-Za-z0-9+/_-]{8,}={0,2}`)
	hexRun    = regexp.MustCompile(`(?:[0-9a-fA-F]{2}){7,}`)
)

// sings returns the canaries found in a place: as they are, and in base64,
// base64url, hexadecimal and percent encoding, one inside another.
func (p place) sings(all []canary) (found []string) {
	seen := map[string]bool{}
	for _, hay := range p.hay {
		for _, layer := range unfold(hay, folds) {
			for _, text := range p.public {
				layer = bytes.ReplaceAll(layer, text, nil)
			}
			for _, c := range all {
				if !seen[c.name] && bytes.Contains(layer, c.word) {
					seen[c.name] = true
					found = append(found, c.name)
				}
			}
		}
	}
	return found
}

func (p place) size() (n int) {
	for _, hay := range p.hay {
		n += len(hay)
	}
	return n
}

// unfold returns b and what it holds in other encodings.
func unfold(b []byte, depth int) (layers [][]byte) {
	layers = [][]byte{b}
	if depth == 0 {
		return layers
	}
	if bytes.Contains(b, []byte("%")) {
		if plain, err := url.QueryUnescape(string(b)); err == nil && plain != string(b) {
			layers = append(layers, unfold([]byte(plain), depth-1)...)
		}
	}
	for _, run := range hexRun.FindAll(b, -1) {
		if raw, err := hex.DecodeString(string(run[:len(run)/2*2])); err == nil {
			layers = append(layers, unfold(raw, depth-1)...)
		}
	}
	for _, run := range base64Run.FindAll(b, -1) {
		layers = append(layers, inside(run, depth)...)
	}
	return layers
}

// inside decodes a run of base64 from each of the four places where a group may
// begin: what stands before it may look like base64 too.
func inside(run []byte, depth int) (layers [][]byte) {
	text := strings.NewReplacer("-", "+", "_", "/", "=", "").Replace(string(run))
	for start := range min(4, len(text)) {
		part := text[start:]
		if len(part)%4 == 1 {
			part = part[:len(part)-1]
		}
		raw, err := base64.RawStdEncoding.DecodeString(part)
		if err != nil || len(raw) < leastCanary {
			continue
		}
		next := 0
		if start == 0 || printable(raw) { // only text and whole runs hold more encodings
			next = depth - 1
		}
		layers = append(layers, unfold(raw, next)...)
	}
	return layers
}

func printable(b []byte) bool {
	return !bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == '�' })
}

// folder is everything below a path, names of files included.
func folder(t *testing.T, name string, paths ...string) place {
	t.Helper()
	p := place{name: name}
	for _, root := range paths {
		err := filepath.WalkDir(root, func(at string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			content, err := os.ReadFile(at)
			p.hay = append(p.hay, content, []byte(at))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// received is everything a server got: addresses, headers, bodies.
func (r *tape) received(name string) place {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := place{name: name}
	for _, row := range r.rows {
		p.hay = append(p.hay, []byte(row.method+" "+row.url), row.body)
		for k, vs := range row.header {
			p.hay = append(p.hay, []byte(k+": "+strings.Join(vs, " ")))
		}
	}
	return p
}

// TestCanaryScan checks that the scan finds what is there, in every encoding
// that a program might use without thinking.
func TestCanaryScan(t *testing.T) {
	word := []byte("kanarienvogel \x00\xff\x80 7")
	all := []canary{{"the canary", word}, {"another", []byte("not there at all")}}
	for name, hay := range map[string]string{
		"as it is":                         "…" + string(word) + "…",
		"base64":                           `{"a":"` + base64.StdEncoding.EncodeToString(word) + `"}`,
		"base64url":                        "x." + base64.RawURLEncoding.EncodeToString(word) + ".y",
		"hexadecimal":                      "id=" + hex.EncodeToString(word),
		"upper hexadecimal":                strings.ToUpper(hex.EncodeToString(word)),
		"percent encoding":                 "a=" + url.QueryEscape(string(word)) + "&b=1",
		"one byte into base64":             base64.StdEncoding.EncodeToString(append([]byte("x"), word...)),
		"two bytes into it":                base64.StdEncoding.EncodeToString(append([]byte("xy"), word...)),
		"base64 after words":               "prefix" + base64.StdEncoding.EncodeToString(word),
		"base64 in base64url":              base64.RawURLEncoding.EncodeToString([]byte(`{"d":"` + base64.StdEncoding.EncodeToString(word) + `"}`)),
		"hexadecimal in base64 in percent": url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(word)))),
	} {
		if got := (place{hay: [][]byte{[]byte(hay)}}).sings(all); fmt.Sprint(got) != "[the canary]" {
			t.Errorf("%s: found %v", name, got)
		}
	}
}
