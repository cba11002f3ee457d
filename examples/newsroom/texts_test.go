package newsroom

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTexts: both languages have the same keys with the same gaps, and every
// key the code and the templates name is there.
func TestTexts(t *testing.T) {
	gap := regexp.MustCompile(`%[sd0-9]+`)
	for key, de := range catalogue()["de"] {
		en, ok := catalogue()["en"][key]
		if !ok || en == "" || de == "" {
			t.Errorf("%s is missing in a language", key)
		}
		if len(gap.FindAllString(de, -1)) != len(gap.FindAllString(en, -1)) {
			t.Errorf("%s has other gaps in the other language", key)
		}
	}
	if len(catalogue()["en"]) != len(catalogue()["de"]) {
		t.Error("English has keys German has not")
	}
	named := regexp.MustCompile(`(?:\bT|say\([^,"]+,|, "ask"|Why:|Head:) ?"([a-z]+(?:\.[a-z0-9]+)+)"`)
	files, _ := filepath.Glob("*.go")
	pages, _ := filepath.Glob("templates/*.html")
	found := 0
	for _, f := range append(files, pages...) {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(b), -1) {
			found++
			if _, ok := catalogue()["de"][m[1]]; !ok {
				t.Errorf("%s names %s, which has no text", f, m[1])
			}
		}
	}
	if found < 60 {
		t.Errorf("only %d keys found: the search is broken", found)
	}
}

// TestGermanIsGermanysGerman: ß and „…“, no guillemets.
func TestGermanIsGermanysGerman(t *testing.T) {
	swiss := regexp.MustCompile(`[«»]|\b(weiss|heisst|grösser|ausser|Strasse|dreissig|draussen)\b`)
	files, _ := filepath.Glob("content/*.de.md")
	policies, _ := filepath.Glob("policies/*.yaml")
	for _, f := range append(append(files, policies...), "texts/de.json") {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if m := swiss.FindString(string(b)); m != "" {
			t.Errorf("%s has %q", f, m)
		}
	}
}

var inline = regexp.MustCompile(`(?i)<script(?:[^>]*)>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:`)

// TestPages: every page in both languages has all its words, nothing the
// content security policy would block, and headers that say so.
func TestPages(t *testing.T) {
	r := newRig(t)
	paths := []string{"/", "/newsletter", "/deine-daten", "/impressum", "/nirgends"}
	all, err := loadArticles()
	if err != nil || len(all) != 12 {
		t.Fatalf("%d articles, %v", len(all), err)
	}
	for _, a := range all {
		paths = append(paths, "/artikel/"+a.Slug)
	}
	for _, lang := range languages {
		reader := r.browser()
		r.get(reader, "/sprache/"+lang+"?back=/")
		adapted := r.browser()
		r.get(adapted, "/sprache/"+lang+"?back=/")
		r.approve(adapted, "home", "/", everything)
		for _, p := range paths {
			for _, c := range []*http.Client{reader, adapted} {
				status, page, h := r.get(c, p)
				if want := map[bool]int{true: 404, false: 200}[p == "/nirgends"]; status != want {
					t.Errorf("%s: %d", p, status)
				}
				must(t, page, `<html lang="`+lang+`">`)
				if m := regexp.MustCompile(`\[[a-z]+\.[a-z.0-9]+\]|%!`).FindString(page); m != "" {
					t.Errorf("%s in %s: text %s is missing", p, lang, m)
				}
				if m := inline.FindString(page); m != "" {
					t.Errorf("%s: inline %q", p, m)
				}
				if csp := h.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || !strings.Contains(csp, "default-src 'none'") {
					t.Errorf("%s: policy %q", p, csp)
				}
			}
		}
	}
}

// TestArticles: short is shorter than medium, medium than long, and every form
// says something in both languages.
func TestArticles(t *testing.T) {
	all, err := loadArticles()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		for _, lang := range languages {
			w := a.Words[lang]
			if len(w.Points) < 3 || w.Halves["short"] >= w.Halves["medium"] || w.Halves["medium"] > w.Halves["long"] || w.Caption == "" || w.By == "" {
				t.Errorf("%s in %s: points %d, half minutes %v", a.Slug, lang, len(w.Points), w.Halves)
			}
			if strings.Contains(string(a.Drawing), "style=") {
				t.Errorf("%s: the drawing has inline style", a.Slug)
			}
		}
	}
}
