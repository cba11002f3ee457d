package audit

import (
	"regexp"
	"strings"
	"testing"
)

// The forms as patterns; schemas/entry.v1.json tells other implementations the
// same.
var forms = []struct {
	name    string
	is      func(string) bool
	pattern string
	letters string   // of which all strings of up to 6 are tried
	long    []string // tried whole, cut, and with one more
}{
	{"platform", isPlatform, `^[\p{L}\p{N}](?:[\p{L}\p{N} .,&'’+()/-]{0,78}[\p{L}\p{N}.)])?$`, "aß9 .)’\xff\n",
		[]string{strings.Repeat("ä", 80), "Verlag Müller & Söhne (Köln) GmbH.", "a\u0300", "²x", "٣", "a" + strings.Repeat(" ", 78) + "."}},
	{"policy", isPolicyID, `^[a-z0-9][a-z0-9.-]{0,63}(?:/[a-z0-9][a-z0-9.-]{0,63}){0,3}$`, "a0./-A\n",
		[]string{strings.Repeat("a", 64) + "/" + strings.Repeat("b", 64), "a/b/c/d", "a/b/c/d/e", strings.Repeat("/", 200)}},
	{"purpose", func(s string) bool { return len(s) <= 64 && isPurpose(s) }, `^[a-z][a-z0-9]*(?:-[a-z0-9]+){0,7}$`, "a0-Z\n",
		[]string{"a-b-c-d-e-f-g-h", "a-b-c-d-e-f-g-h-i", "personalised-home"}},
	{"retention", isRetention, `^P(?:[1-9][0-9]{0,3}D|T[1-9][0-9]{0,2}H|T0S)$`, "PT019DHS",
		[]string{"P9999D", "PT999H", "PT0S", "P10000D", "PT1000H", "P7D\n"}},
	{"query", isQuery, `^[A-Za-z0-9_-]{1,64}$`, "aZ5_-. \n", []string{strings.Repeat("q", 64)}},
	{"name", isName, `^[A-Za-z0-9_][A-Za-z0-9_.:#/-]{0,63}$`, "aZ_.:#é\n", []string{strings.Repeat("n", 64), "https://schema.org/name#x"}},
	{"path", isPath, `^\[` + element + `(?:,` + element + `){0,15}\]$`, `["a,0] `,
		[]string{`["media","topics",null,12]`, `[65535]`, `[65536]`, `[01]`, `[-0]`, `[1e2]`, `["a\u0062"]`, `["a,b"]`, `[null` + strings.Repeat(",null", 15) + `]`, `[null` + strings.Repeat(",null", 16) + `]`, `[["a"]]`, `[true]`}},
	{"weakening", isWeakening, `^Insecure[A-Z][A-Za-z0-9]{1,47}$`, "InsecurL",
		[]string{"InsecureLoopback", "Insecure" + strings.Repeat("A", 48), "InsecureA", "Insecurea1", "Insecure11"}},
}

// element is one of a claims path's.
const element = `(?:null|0|[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]|"[A-Za-z0-9_][A-Za-z0-9_.:#/-]{0,63}")`

func TestFormsAreTheirPatterns(t *testing.T) {
	for _, form := range forms {
		t.Run(form.name, func(t *testing.T) {
			pattern := regexp.MustCompile(form.pattern)
			yes := 0
			try := func(s string) {
				want := pattern.MatchString(s)
				if form.is(s) != want {
					t.Fatalf("%q: got %v, the pattern says %v", s, !want, want)
				}
				if want {
					yes++
				}
			}
			letters := []string{}
			for i := 0; i < len(form.letters); {
				n := 1
				for n < 4 && i+n < len(form.letters) && form.letters[i+n]&0xc0 == 0x80 && form.letters[i] >= 0xc0 {
					n++
				}
				letters = append(letters, form.letters[i:i+n])
				i += n
			}
			level := []string{""}
			for range 6 {
				var next []string
				for _, s := range level {
					for _, c := range letters {
						next = append(next, s+c)
						try(s + c)
					}
				}
				if level = next; len(level) > 50_000 {
					break
				}
			}
			try("")
			for _, s := range form.long {
				for cut := range len(s) {
					try(s[:cut])
					try(s[cut:])
				}
				for _, c := range letters {
					try(s + c)
				}
				try(s)
			}
			if yes < 3 {
				t.Fatalf("only %d strings fit: the test tries too little", yes)
			}
		})
	}
}
