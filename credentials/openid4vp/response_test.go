package openid4vp_test

import (
	"strings"
	"testing"

	"facet/credentials/jose"
	"facet/credentials/openid4vp"
)

const form = "application/x-www-form-urlencoded"

func TestParsePost(t *testing.T) {
	for _, tt := range []struct{ name, media, body, reason string }{
		{"json", "application/json", "{}", "content_type"},
		{"multipart", "multipart/form-data; boundary=x", "", "content_type"},
		{"no type", "", "response=x", "content_type"},
		{"empty", form, "", "response_malformed"},
		{"empty response", form, "response=", "response_malformed"},
		{"twice", form, "response=a&response=b", "parameter_duplicated"},
		{"answer and error", form, "response=a&error=access_denied", "parameter_duplicated"},
		{"bad escape", form, "response=%zz", "request_malformed"},
		{"too large", form, "response=" + strings.Repeat("a", openid4vp.MaxResponse), "size_limit"},
		{"long state", form, "error=access_denied&state=" + strings.Repeat("s", openid4vp.MaxState+1), "response_malformed"},
		{"token a list", form, "vp_token=[]", "json_malformed"},
		{"token empty", form, "vp_token={}", "vp_token_malformed"},
		{"token of text", form, `vp_token={"q":"x"}`, "vp_token_malformed"},
		{"token of nothing", form, `vp_token={"q":[]}`, "vp_token_malformed"},
		{"token of objects", form, `vp_token={"q":[{}]}`, "vp_token_malformed"},
		{"token with a name twice", form, `vp_token={"q":["x"],"q":["y"]}`, "json_duplicate_member"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := openid4vp.ParsePost(tt.media, []byte(tt.body))
			wantReason(t, err, tt.reason)
		})
	}
	p, err := openid4vp.ParsePost(form+"; charset=utf-8", []byte("error=made_up&error_description=%3Cb%3E%E2%82%AC&state=s&unknown=1"))
	if err != nil || p.Error != openid4vp.CodeInvalidRequest || p.ErrorText != "?b????" || p.State != "s" {
		t.Errorf("got %+v, %v", p, err)
	}
	if p, err := openid4vp.ParsePost(form, []byte(`vp_token={"q":["x~"]}&state=s`)); err != nil || p.VPToken["q"][0] != "x~" {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestDecryptResponse(t *testing.T) {
	key, err := jose.GenerateDecryptionKey()
	must(t, err)
	for _, tt := range []struct{ name, payload, reason string }{
		{"neither", `{"state":"s"}`, "response_malformed"},
		{"both", `{"vp_token":{"q":["x"]},"error":"access_denied"}`, "response_malformed"},
		{"state a number", `{"vp_token":{"q":["x"]},"state":1}`, "response_malformed"},
		{"token null", `{"vp_token":null}`, "vp_token_malformed"},
		{"not JSON", `x`, "json_malformed"},
		{"a name twice", `{"state":"a","state":"b","vp_token":{"q":["x"]}}`, "json_duplicate_member"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			jwe, err := jose.Encrypt([]byte(tt.payload), key.Public(), jose.EncryptOptions{Kid: "k", Enc: openid4vp.EncA128GCM})
			must(t, err)
			_, err = openid4vp.DecryptResponse(jwe, key, "k")
			wantReason(t, err, tt.reason)
		})
	}
	jwe, err := jose.Encrypt([]byte(`{"error":"access_denied","state":"s"}`), key.Public(), jose.EncryptOptions{Kid: "k", Enc: openid4vp.EncA256GCM})
	must(t, err)
	if r, err := openid4vp.DecryptResponse(jwe, key, "k"); err != nil || r.Error != openid4vp.CodeAccessDenied || r.State != "s" {
		t.Errorf("got %+v, %v", r, err)
	}
	_, err = openid4vp.DecryptResponse(jwe, key, "another")
	wantReason(t, err, jose.ReasonKid)
}

func FuzzParsePost(f *testing.F) {
	f.Add("response=eyJ.a.b.c.d")
	f.Add(`vp_token={"q":["x~"]}&state=s`)
	f.Add("error=access_denied&error_description=%00")
	f.Fuzz(func(t *testing.T, body string) {
		p, err := openid4vp.ParsePost(form, []byte(body))
		if err != nil {
			return
		}
		kinds := 0
		for _, set := range []bool{p.Encrypted != "", p.VPToken != nil, p.Error != ""} {
			if set {
				kinds++
			}
		}
		if kinds != 1 || strings.ContainsAny(p.ErrorText, "<>&\"'\n\x00") || len(p.ErrorText) > openid4vp.MaxErrorText {
			t.Errorf("%q gave %+v", body, p)
		}
	})
}

func FuzzParseAuthorize(f *testing.F) {
	f.Add("https://wallet.example/authorize#client_id=x509_hash:abc&request_uri=https://v.example/r")
	f.Add("openid4vp://?client_id=redirect_uri:https://v.example/cb&nonce=n")
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := openid4vp.ParseAuthorize(raw)
		if err != nil {
			return
		}
		id, err := openid4vp.ParseClientID(p.ClientID)
		if err != nil || id.String() != p.ClientID || id.Signed() != (p.RequestURI != "") {
			t.Errorf("%q gave %+v", raw, p)
		}
	})
}
