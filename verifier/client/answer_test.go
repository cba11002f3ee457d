package client_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"facet/credentials/openid4vp"
	"facet/verifier/client"
)

// TestAnswer: what the browser carried reads the result, of its own request
// only, though the first reply is lost, and a no is no error.
func TestAnswer(t *testing.T) {
	r := newRig(t)
	c := r.client()
	begin := func(q client.Request) (*client.Begun, openid4vp.DigitalMessage) {
		t.Helper()
		q.Policy = "today"
		b, err := c.Begin(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		var digital struct{ Requests []openid4vp.DigitalMessage }
		if q.Flow == client.DigitalAPI {
			if err := json.Unmarshal(b.Digital, &digital); err != nil || len(digital.Requests) != 1 || len(b.Links) != 0 {
				t.Fatalf("begun: %+v", b)
			}
			return b, digital.Requests[0]
		}
		return b, openid4vp.DigitalMessage{}
	}
	reads := func(b *client.Begun, a client.Answer) {
		t.Helper()
		code, err := c.Answer(t.Context(), b.ID, a)
		if err != nil || code == "" {
			t.Fatalf("answer: %q, %v", code, err)
		}
		res, err := c.Result(t.Context(), client.Reading{ID: b.ID, ResponseCode: code})
		if err != nil {
			t.Fatal(err)
		}
		if h, _ := res.Hints.Get("today.pace"); h.Value != "quick" {
			t.Errorf("today.pace: %+v", h)
		}
	}
	viaAPI := client.Request{Flow: client.DigitalAPI, Origin: origin}
	b, asked := begin(viaAPI)
	said := r.digital(asked, false)
	answer := client.Answer{Protocol: said.Protocol, Data: said.Data}
	other, askedToo := begin(viaAPI)
	if _, err := c.Answer(t.Context(), other.ID, answer); err == nil || client.CodeOf(err) == client.CodeUnavailable {
		t.Errorf("the answer to another request: %v", err)
	}
	reads(b, answer)
	no := r.digital(askedToo, true)
	if code, err := c.Answer(t.Context(), other.ID, client.Answer{Protocol: no.Protocol, Data: no.Data}); code != "" || err != nil {
		t.Errorf("a no: %q, %v", code, err)
	}
	lost, asked := begin(viaAPI)
	said = r.digital(asked, false)
	tries := 0
	r.onRoad(func(_ http.ResponseWriter, req *http.Request) bool {
		if tries++; tries > 1 {
			return false
		}
		r.http.ServeHTTP(&nowhere{http.Header{}}, req)
		panic(http.ErrAbortHandler)
	})
	reads(lost, client.Answer{Protocol: said.Protocol, Data: said.Data})
	if tries < 2 {
		t.Error("nothing was lost on the road")
	}
	r.onRoad(nil)
	b, _ = begin(client.Request{Flow: client.SameDevice, ReturnURI: returnURI, ResponseMode: client.Fragment})
	reads(b, client.Answer{Fragment: r.approve(b.Links[0].URL).EscapedFragment()})
}

func TestReadAnswer(t *testing.T) {
	for text, want := range map[string]client.Answer{
		`{"protocol":"p","data":{"response":"x"}}`:       {Protocol: "p", Data: json.RawMessage(`{"response":"x"}`)},
		`{"id":"tx","protocol":"p","data":"x","more":1}`: {Protocol: "p", Data: json.RawMessage(`"x"`)},
		`{"fragment":"vp_token=x"}`:                      {Fragment: "vp_token=x"},
	} {
		id, a, err := client.ReadAnswer(strings.NewReader(text))
		if err != nil || a.Protocol != want.Protocol || string(a.Data) != string(want.Data) || a.Fragment != want.Fragment || (id == "tx") != strings.Contains(text, "tx") {
			t.Errorf("%s: %q %+v, %v", text, id, a, err)
		}
	}
	for _, text := range []string{"", "[]", "{}", `{"fragment":""}`, `{"protocol":"p","data":{},"fragment":"x"}`, `{"fragment":"` + strings.Repeat("x", client.MaxAnswer) + `"}`} {
		if _, _, err := client.ReadAnswer(strings.NewReader(text)); err == nil {
			t.Errorf("%.40s: taken", text)
		}
	}
}
