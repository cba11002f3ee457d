package policy

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// everyString calls try with all strings of up to six of the letters, and with
// the long ones whole, cut anywhere, and with one letter more.
func everyString(letters string, long []string, try func(string)) {
	level := []string{""}
	for n := 0; n < 6 && len(level) < 50_000; n++ {
		var next []string
		for _, s := range level {
			try(s)
			for _, c := range letters {
				next = append(next, s+string(c))
			}
		}
		level = next
	}
	for _, s := range slices.Concat(level, long) {
		try(s)
	}
	for _, s := range long {
		for cut := range len(s) {
			try(s[:cut])
			try(s[cut:])
		}
		for _, c := range letters {
			try(s + string(c))
		}
	}
}

func TestFormsAreTheirPatterns(t *testing.T) {
	for _, form := range []struct {
		name, pattern string
		is            func(string) bool
		letters       string
		long          []string
	}{
		{"id", `^[a-z0-9][a-z0-9.-]{0,63}(?:/[a-z0-9][a-z0-9.-]{0,63}){0,3}$`, isID, "a0./-A\n",
			[]string{strings.Repeat("a", 64) + "/" + strings.Repeat("b", 64), "a/b/c/d", "a/b/c/d/e", "é", strings.Repeat("/", 99)}},
		{"language", `^[a-z]{2}(?:-[A-Z]{2})?$`, isLanguage, "aC-1é\n", []string{"de-CH", "de-CH-x"}},
		{"credential", `^[a-z][a-z0-9]{0,31}$`, isCredentialName, "a0A_\n", []string{strings.Repeat("a", 32)}},
		{"retention", `^P(?:([1-9][0-9]{0,3})D|T([1-9][0-9]{0,2})H|T0S)$`, func(s string) bool { _, ok := ParseRetention(s); return ok },
			"PT019DHS", []string{"P9999D", "PT999H", "PT0S", "P10000D", "PT1000H", "P7D\n", "P+1D", "P٣D"}},
	} {
		t.Run(form.name, func(t *testing.T) {
			pattern := regexp.MustCompile(form.pattern)
			yes := 0
			everyString(form.letters, form.long, func(s string) {
				want := pattern.MatchString(s)
				if form.is(s) != want {
					t.Fatalf("%q: got %v, the pattern says %v", s, !want, want)
				}
				if want {
					yes++
				}
			})
			if yes < 3 {
				t.Fatalf("only %d strings fit: the test tries too little", yes)
			}
		})
	}
}

func TestParseRetention(t *testing.T) {
	for n := 1; n <= 9999; n++ {
		if d, ok := ParseRetention("P" + strconv.Itoa(n) + "D"); !ok || d != time.Duration(n)*24*time.Hour {
			t.Fatalf("P%dD is %v, %v", n, d, ok)
		}
		if d, ok := ParseRetention("PT" + strconv.Itoa(n) + "H"); ok != (n <= 999) || ok && d != time.Duration(n)*time.Hour {
			t.Fatalf("PT%dH is %v, %v", n, d, ok)
		}
	}
	if d, ok := ParseRetention("PT0S"); !ok || d != 0 {
		t.Fatalf("PT0S is %v, %v", d, ok)
	}
}

func TestPlaceholders(t *testing.T) {
	pattern := regexp.MustCompile(`\{[^{}]*\}`)
	found := 0
	everyString("{}aé\n", []string{"You {claim} get {value}.", "{{claim}}", "{claim", "{a{b}c}d{e}"}, func(s string) {
		want := pattern.FindAllString(s, -1)
		if !slices.Equal(placeholders(s), want) {
			t.Fatalf("%q: got %q, want %q", s, placeholders(s), want)
		}
		found += len(want)
	})
	if found == 0 {
		t.Fatal("nothing found: the test tries too little")
	}
}
