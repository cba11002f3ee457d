package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"facet/credentials"
	"facet/verifier/client"
)

// TestDemoTrustList: the demo's list keeps its version over restarts and has a
// higher one whenever it says something else, whatever the clock says.
func TestDemoTrustList(t *testing.T) {
	dir, now := t.TempDir(), time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	var site demoSite
	version := func(url string, now time.Time) int {
		t.Helper()
		ids, err := demoPKI(dir, now)
		if err != nil {
			t.Fatal(err)
		}
		text, err := demoTrust(dir, url, ids, site, now)
		if err != nil {
			t.Fatal(err)
		}
		list, err := credentials.ParseTrustList(text)
		if err != nil {
			t.Fatal(err)
		}
		return list.Version()
	}
	const url = "http://issuer.localhost:8082"
	first := version(url, now)
	if again := version(url, now.Add(time.Hour)); again != first {
		t.Errorf("after a restart %d, before %d", again, first)
	}
	renewed := version(url, now.AddDate(demoLeafYears, 0, 0)) // the certificates end
	if renewed <= first {
		t.Errorf("with new certificates %d, before %d", renewed, first)
	}
	if moved := version("http://issuer.localhost:9082", now); moved <= renewed {
		t.Errorf("at another address, with a clock that went back, %d, before %d", moved, renewed)
	}
	before := version(url, now)
	site = demoSite{url: "http://localhost:3000", files: []string{"../../examples/newsroom/policies/home.yaml"}}
	if err := errors.Join(site.check(), site.open(dir, now)); err != nil {
		t.Fatal(err)
	}
	if with := version(url, now); with <= before {
		t.Errorf("with a site that is tried out %d, before %d", with, before)
	}
}

// TestDemoSite: a site of one's own gets what it needs, says what it is asked
// by, and keeps both over a restart; flags that cannot be meant are refused.
func TestDemoSite(t *testing.T) {
	const home = "../../examples/newsroom/policies/home.yaml"
	dir := t.TempDir()
	var before demoSite
	for range 2 {
		d, err := openDemo(t.Context(), &demo{data: dir, urls: urlsFrom(demoPort), site: checked(t, demoSite{url: "http://localhost:3000/", files: []string{home}})})
		if err != nil {
			t.Fatal(err)
		}
		key, err := d.apiKey("site")
		if err != nil {
			t.Fatal(err)
		}
		facet := httptest.NewServer(d.verifier)
		c, err := client.New(client.Config{URL: facet.URL, APIKey: key})
		if err != nil {
			t.Fatal(err)
		}
		begun, err := c.Begin(t.Context(), client.Request{Policy: "home", ReturnURI: "http://localhost:3000/facet/back"})
		if err != nil || len(begun.Links) != 1 || !strings.HasPrefix(begun.Links[0].URL, d.urls.wallet) {
			t.Errorf("begin: %+v, %v", begun, err)
		}
		if res, err := http.Get(facet.URL); err != nil || res.StatusCode != http.StatusOK || res.Request.URL.Path != "/audit" {
			t.Errorf("who types the verifier's address: %v, %v", res, err)
		}
		var out strings.Builder
		d.announce(&environ{stdout: &out})
		for _, want := range []string{"Morgenblatt Verlag GmbH", "policies: home", "FACET_URL=http://localhost:8081", "pki/site.apikey", "pki/site.whsec", "localhost:3000/facet/back"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q is not announced: %s", want, out.String())
			}
		}
		if before.url != "" && (!bytes.Equal(before.secret, d.site.secret) || before.id.x5c[0] != d.site.id.x5c[0]) {
			t.Error("another identity or secret after a restart")
		}
		before = d.site
		facet.Close()
		if err := d.close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, call := range []string{"--site http://localhost:3000", "--policy " + home, "--site https://news.example --policy " + home,
		"--site http://localhost:3000/path --policy " + home} {
		if code, _, errs := called(t, t.Context(), nil, append([]string{"demo"}, strings.Fields(call)...)...); code != 2 || !strings.Contains(errs, "--site") {
			t.Errorf("%s: %d %s", call, code, errs)
		}
	}
	if code, _, errs := called(t, t.Context(), nil, "demo", "--site", "http://localhost:3000", "--policy", "none.yaml"); code != 1 || !strings.Contains(errs, "none.yaml") {
		t.Errorf("no such policy: %d %s", code, errs)
	}
}

func checked(t *testing.T, s demoSite) demoSite {
	t.Helper()
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	return s
}
