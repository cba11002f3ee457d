package verifier_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"facet/credentials/openid4vp"
	"facet/verifier"
)

// TestDigitalBegin: what a platform may ask for in this way.
func TestDigitalBegin(t *testing.T) {
	r := newRig(t, func(r *rig) {
		r.change = func(p *verifier.Platform) {
			p.Origins = []string{"https://www.morgenblatt.example"}
			p.ReturnURIs = append(p.ReturnURIs, "https://Morgenblatt.example:443/facet/callback?x=1")
		}
	})
	try := func(body string) reply { return r.api(keyNews, "POST", "/v1/requests", `{"policy":"access",`+body+`}`) }
	for _, origin := range []string{pageOrigin, "https://www.morgenblatt.example", "https://morgenblatt.example"} {
		if got := try(`"flow":"dc_api","origin":"` + origin + `"`); got.status != http.StatusCreated {
			t.Errorf("%s: %d %s", origin, got.status, got.body)
		}
	}
	for name, tt := range map[string]struct{ body, reason string }{
		"no origin":             {`"flow":"dc_api"`, "origin_unregistered"},
		"somebody else's page":  {`"flow":"dc_api","origin":"https://evil.example"`, "origin_unregistered"},
		"a slash":               {`"flow":"dc_api","origin":"` + pageOrigin + `/"`, "origin_unregistered"},
		"another port":          {`"flow":"dc_api","origin":"http://news.localhost"`, "origin_unregistered"},
		"the default port":      {`"flow":"dc_api","origin":"https://www.morgenblatt.example:443"`, "origin_unregistered"},
		"capitals":              {`"flow":"dc_api","origin":"https://Morgenblatt.example"`, "origin_unregistered"},
		"a return address, too": {`"flow":"dc_api","origin":"` + pageOrigin + `","return_uri":"` + returnURI + `"`, "return_uri_unregistered"},
		"an origin for a link":  {`"flow":"cross_device","origin":"` + pageOrigin + `"`, "origin_unregistered"},
		"a mode, too":           {`"flow":"dc_api","origin":"` + pageOrigin + `","response_mode":"fragment"`, "response_mode_invalid"},
		"a mode of its own":     {`"flow":"dc_api","origin":"` + pageOrigin + `","response_mode":"dc_api"`, "response_mode_invalid"},
		"a flow nobody knows":   {`"flow":"digital"`, "flow_invalid"},
	} {
		t.Run(name, func(t *testing.T) { try(tt.body).want(t, http.StatusBadRequest, "invalid_request", tt.reason) })
	}
	for _, bad := range []string{"https://www.morgenblatt.example/", "https://WWW.morgenblatt.example", "https://morgenblatt.example:443", "http://morgenblatt.example", "ftp://morgenblatt.example", "*"} {
		r.change = func(p *verifier.Platform) { p.Origins = []string{bad} }
		if err := r.tryStart(); err == nil {
			t.Errorf("origin %q was taken", bad)
		}
	}
}

// TestDigitalClients: every signed kind of client may ask, from whatever page is
// registered: the host of x509_san_dns binds no page (OpenID4VP §5.9.3).
func TestDigitalClients(t *testing.T) {
	w := theWorld()
	atHost := newIdentity(w.anchor, w.caKey, "Morgenblatt Verlag GmbH", "verifier.localhost")
	for name, change := range map[string]func(*verifier.Platform){
		"x509_hash": func(*verifier.Platform) {},
		"x509_san_dns": func(p *verifier.Platform) {
			p.Prefix, p.Signer, p.X5C = openid4vp.PrefixX509SANDNS, atHost.key, atHost.x5c
		},
		"decentralized_identifier": func(p *verifier.Platform) { p.Prefix, p.X5C, p.Kid = openid4vp.PrefixDID, nil, didOf(w.news)+"#0" },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(r *rig) { r.change = change })
			b := r.beginDigital("access")
			a := r.compose(b, twist{})
			if string(a.req.Client.Prefix) != name || a.req.AnswerAudience() != "origin:"+pageOrigin {
				t.Errorf("client %s, audience %s", a.req.ClientID, a.req.AnswerAudience())
			}
			done := a.hand(keyNews)
			if res := r.result(keyNews, b.ID, done.field("response_code")); res.status != http.StatusOK {
				t.Errorf("%d %s, %d %s", done.status, done.body, res.status, res.body)
			}
		})
	}
}

// TestDigitalIdempotent: the same key gives the same request as long as it can
// be asked, and keys are told apart by the page.
func TestDigitalIdempotent(t *testing.T) {
	r := newRig(t, func(r *rig) {
		r.change = func(p *verifier.Platform) { p.Origins = []string{"https://www.morgenblatt.example"} }
	})
	try := func(origin string) reply {
		return r.do(call{method: "POST", url: baseURL + "/v1/requests", key: keyNews, contentType: "application/json",
			body: `{"policy":"access","flow":"dc_api","origin":"` + origin + `"}`, header: map[string]string{"Idempotency-Key": "k"}})
	}
	var one, two begun
	check(json.Unmarshal(try(pageOrigin).body, &one))
	check(json.Unmarshal(try(pageOrigin).body, &two))
	if one.ID == "" || one.ID != two.ID || r.ask(one).Nonce != r.ask(two).Nonce {
		t.Errorf("%+v, %+v", one, two)
	}
	try("https://www.morgenblatt.example").want(t, http.StatusUnprocessableEntity, "invalid_request", "idempotency_mismatch")
	if got := r.compose(two, twist{}).hand(keyNews); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	try(pageOrigin).want(t, http.StatusConflict, "invalid_request", "transaction_already_used")
}

// TestDigitalWeakenings: unsigned and unencrypted only where the platform says
// so, and then in the log.
func TestDigitalWeakenings(t *testing.T) {
	r := newRig(t, func(r *rig) {
		r.change = func(p *verifier.Platform) { p.InsecureUnsigned, p.InsecureUnencrypted = true, true }
	})
	b := r.beginDigital("access")
	if len(b.Digital.Requests) != 2 || b.Digital.Requests[0].Protocol != openid4vp.ProtocolSigned || b.Digital.Requests[1].Protocol != openid4vp.ProtocolUnsigned {
		t.Fatalf("%+v", b.Digital)
	}
	var params map[string]any
	check(json.Unmarshal(b.Digital.Requests[1].Data, &params))
	for name := range maps.Keys(params) {
		if !strings.Contains(" response_type response_mode nonce client_metadata dcql_query ", " "+name+" ") {
			t.Errorf("an unsigned request says %s", name)
		}
	}
	r.compose(b, digitalData(func(a *answer) { a.data = map[string]any{"response": "e30.e30.e30.e30.e30"} })).hand(keyNews).
		want(t, http.StatusBadRequest, "invalid_request", "response_mode_mismatch")
	b.Digital.Requests = b.Digital.Requests[1:]
	a := r.compose(b, twist{})
	if offer, err := a.req.PolicyOffer(); offer != nil || err != nil || a.req.ResponseMode != openid4vp.ModeDCAPI {
		t.Errorf("%+v, %v", offer, err)
	}
	if got := a.hand(keyNews); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
	r.change = func(p *verifier.Platform) { p.InsecureUnsigned, p.Prefix = true, openid4vp.PrefixRedirectURI }
	r.start()
	if b := r.beginDigital("access"); len(b.Digital.Requests) != 1 || b.Digital.Requests[0].Protocol != openid4vp.ProtocolUnsigned {
		t.Errorf("a platform without signatures: %+v", b.Digital)
	} else if got := r.compose(b, twist{}).hand(keyNews); got.status != http.StatusOK {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// TestOpenAPIDigital holds the document to what goes to and comes from a page.
func TestOpenAPIDigital(t *testing.T) {
	r := newRig(t)
	d := readOpenAPI(t, r)
	only := func(what string, raw []byte, allowed []string) {
		t.Helper()
		var m map[string]any
		check(json.Unmarshal(raw, &m))
		for name := range m {
			if !slices.Contains(allowed, name) {
				t.Errorf("%s has %s, which is not written down", what, name)
			}
		}
	}
	got := r.api(keyNews, "POST", "/v1/requests", `{"policy":"access","flow":"dc_api","origin":"`+pageOrigin+`"}`)
	only("begin", got.body, d.members("/v1/requests", "post", "201", "application/json"))
	b := r.beginDigital("access")
	message, err := json.Marshal(b.Digital.Requests[0])
	check(err)
	schema := d.at(d.root, "components", "schemas", "DigitalMessage", "properties")
	only("message", message, slices.Collect(maps.Keys(schema.(map[string]any))))
	if protocols := d.at(schema, "protocol", "enum").([]any); !slices.Contains(protocols, any(b.Digital.Requests[0].Protocol)) {
		t.Errorf("protocol %s is not written down", b.Digital.Requests[0].Protocol)
	}
	members := d.members("/v1/requests/{id}/answer", "post", "200", "application/json")
	taken := r.compose(b, twist{}).hand(keyNews)
	only("answer", taken.body, members)
	b = r.beginDigital("access")
	only("refusal", r.compose(b, digitalData(func(a *answer) { a.data = map[string]any{"error": "access_denied"} })).hand(keyNews).body, members)
	if len(members) != 2 {
		t.Errorf("answer: %v", members)
	}
}
