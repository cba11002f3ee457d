package wallet_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"facet/fetch"
	"facet/policy"
	"facet/wallet"
)

// inMemory calls handlers by the port of their address: no network, which a
// browser would not let us listen on.
type inMemory map[string]http.HandlerFunc

func (m inMemory) Do(_ context.Context, r fetch.Request) (*fetch.Response, error) {
	u, err := url.Parse(r.URL)
	if err != nil {
		return nil, err
	}
	request := httptest.NewRequest(max(r.Method, http.MethodGet), r.URL, bytes.NewReader(r.Body))
	for name, v := range r.Header {
		request.Header.Set(name, v)
	}
	w := httptest.NewRecorder()
	m[u.Port()](w, request)
	mediaType, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
	return &fetch.Response{Status: w.Code, ContentType: mediaType, Body: w.Body.Bytes(), Header: w.Header()}, nil
}

func (m inMemory) add(address string, h http.HandlerFunc) {
	m[address[strings.LastIndexByte(address, ':')+1:]] = h
}

// BenchmarkApprove is what happens between the holder's tap and the answer's
// leaving: one issued and one minted credential are signed, encrypted, and the
// deed is written to the vault. test/e2e runs it in a browser.
func BenchmarkApprove(b *testing.B) {
	network := inMemory{}
	r := newRig(b)
	r.fetch = network
	network.add(r.site.URL, r.handle)
	office := r.openOffice()
	network.add(office.url, office.handle)
	p, err := policy.Parse([]byte(adsPolicy))
	if err != nil {
		b.Fatal(err)
	}
	choices := []string{"ads.topics", "ads.tolerance"}
	for b.Loop() {
		b.StopTimer()
		r.vault = nil // a new wallet: copies are for one use
		r.open(nil)
		if _, err := r.accept(office); err != nil {
			b.Fatal(err)
		}
		r.prefer(wallet.Preferences{Ads: &wallet.Ads{Tolerance: "chosen-topics", Topics: []string{"483"}}})
		q := r.question().under(b, r, p)
		proposal := r.mustAsk(q)
		shown, err := r.wallet.Preview(b.Context(), proposal.ID, choices)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if _, err := r.wallet.Present(b.Context(), proposal.ID, shown.Digest, choices); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		posts := r.posted()
		if got := r.decrypt(q, posts[len(posts)-1]); len(got.VPToken) != 2 {
			b.Fatalf("%d credentials were sent", len(got.VPToken))
		}
		b.StartTimer()
	}
}

const adsPolicy = `{"policy":"morgenblatt.example/ads","version":1,"purpose":"ad-relevance","retention":"PT12H",
"controller":{"name":"Morgenblatt Verlag GmbH","privacy_policy":"https://morgenblatt.example/privacy"},
"question":{"de":"Dürfen wir Werbung nach deinen Themen wählen?","en":"May we choose ads by your topics?"},
"benefit":{"de":"Werbung zu dem, was dich angeht.","en":"Ads about what concerns you."},
"outputs":["openrtb"],
"credentials":{"age":{"vct":["urn:facet:age:1"],"accept":"issuer-signed"},"prefs":{"vct":["urn:facet:media-preferences:1"],"accept":"self-asserted"}},
"hints":[
{"key":"age.over18","label":{"de":"Ob du volljährig bist","en":"Whether you are of age"},"from":["age","age_equal_or_over","18"],"flag":true,"required":true,
 "with":{"de":"Werbung für Erwachsene ist möglich.","en":"Ads for adults are possible."},"explain":{"de":"Du bist volljährig.","en":"You are of age."}},
{"key":"ads.tolerance","label":{"de":"Welche Werbung du magst","en":"Which ads you like"},"from":["prefs","ads","tolerance"],"map":{"none":"none","contextual-only":"contextual","chosen-topics":"topics"},
 "without":{"de":"Die übliche Werbung.","en":"The usual ads."},"with":{"de":"Werbung, wie du sie magst.","en":"Ads the way you like them."},"explain":{"de":"Du hast „{claim}“ gewählt.","en":"You chose “{claim}”."}},
{"key":"ads.topics","label":{"de":"Themen der Werbung","en":"Topics of ads"},"from":["prefs","ads","topics"],"pick":{"only":["596","483"],"max":4},
 "without":{"de":"Werbung zu jedem Thema.","en":"Ads on any topic."},"with":{"de":"Werbung zu deinen Themen.","en":"Ads on your topics."},"explain":{"de":"Diese Themen: {value}.","en":"These topics: {value}."}}]}`
