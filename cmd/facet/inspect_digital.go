package main

import (
	"encoding/json"

	"facet/credentials/jose"
	"facet/credentials/openid4vp"
)

// lookDigital shows a message of the browser's Digital Credentials API: a
// request, or the answer to one; of a list the one a wallet would take.
func (in *inspection) lookDigital(text string) *view {
	m, err := pickDigital([]byte(text))
	if err != nil {
		return malformed("Digital Credentials API", err)
	}
	data, err := jose.ParseObject(m.Data, jose.Limits{MaxSize: maxInspect})
	if err != nil {
		return malformed("Digital Credentials API", err)
	}
	v := &view{}
	switch {
	case data["request"] != nil:
		request, ok := data["request"].(string)
		if !ok {
			_, err := openid4vp.ParseDigital(m, openid4vp.Caller{Origin: "https://page.example"}) // says what is wrong with the form
			return malformed("Request of a page, with several signatures", err)
		}
		v = in.lookJWT(request)
		v.open("page", "only the browser says which page asks: it must be one of expected_origins")
	case data["dcql_query"] != nil:
		raw, err := json.Marshal(data)
		if err != nil {
			return malformed("Digital Credentials API", err)
		}
		v = in.lookJSON(string(raw))
		v.open("page", "only the browser says which page asks, and nothing else says who")
	default:
		post, err := openid4vp.ParseDigitalAnswer(m.Data)
		switch {
		case err != nil:
			v.Problem = explain(err)
		case post.Encrypted != "":
			v = lookEncrypted(post.Encrypted)
		case post.Error != "":
			v.Kind = "Refusal"
		default:
			v.Kind = "Answer in the clear"
			v.open("presentations", "inspect each one on its own")
			v.add("Answer", data)
		}
	}
	v.Kind = m.Protocol + ": " + v.Kind
	return v
}
