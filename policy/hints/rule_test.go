package hints

import (
	"regexp"
	"strings"
	"testing"
)

// A key's form is schemas/hint.v1.json's pattern and at most 64 bytes.
func TestKeyIsItsPattern(t *testing.T) {
	pattern := regexp.MustCompile(`^[a-z][a-z0-9]*(\.[a-z][a-z0-9_]*)*$`)
	yes := 0
	try := func(s string) {
		want := len(s) <= 64 && pattern.MatchString(s)
		if isKey(s) != want {
			t.Fatalf("%q: got %v, the pattern says %v", s, !want, want)
		}
		if want {
			yes++
		}
	}
	level := []string{""}
	for range 6 {
		var next []string
		for _, s := range level {
			for _, c := range []string{"a", "0", ".", "_", "A", "\n", "é"} {
				next = append(next, s+c)
			}
		}
		for _, s := range next {
			try(s)
		}
		level = next
	}
	for _, s := range []string{"", "article.length", "page.show_ads", strings.Repeat("a", 64), strings.Repeat("a", 65), strings.Repeat("a.", 32)} {
		try(s)
	}
	if yes < 100 {
		t.Fatalf("only %d strings fit: the test tries too little", yes)
	}
}
