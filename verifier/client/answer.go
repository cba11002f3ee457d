package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// MaxAnswer is the most bytes of an Answer as JSON: a response of 256 KiB and
// what it is wrapped in.
const MaxAnswer = 288 << 10

// An Answer came back by way of the site's own page: from the browser's
// Digital Credentials API, encrypted to the verifier, or in the fragment of the
// return address, for all to read. Nobody believes it before the verifier has
// checked it: hand it over as it is.
type Answer struct {
	Protocol string          `json:"protocol,omitempty"`
	Data     json.RawMessage `json:"data,omitempty"`
	Fragment string          `json:"fragment,omitempty"`
}

var errAnswer = errors.New("client: the page's answer is not one: protocol and data, or fragment")

// ReadAnswer reads what a page's script posted, and no more than MaxAnswer. id
// is the request the page says it answers, "" if it names none: look it up in
// the visitor's session, never take it from here.
func ReadAnswer(body io.Reader) (id string, a Answer, err error) {
	var in struct {
		ID string `json:"id"`
		Answer
	}
	raw, err := io.ReadAll(io.LimitReader(body, MaxAnswer+1))
	switch {
	case err != nil || len(raw) > MaxAnswer:
		return "", Answer{}, errors.New("client: the page's answer broke off or is too large")
	case json.Unmarshal(raw, &in) != nil || (in.Fragment == "") == (in.Protocol == "" && in.Data == nil):
		return "", Answer{}, errAnswer
	}
	return in.ID, in.Answer, nil
}

// Answer hands an answer to the verifier. The code it returns reads the
// Result; without one the person said no, which is no error. The request must
// be the one that this visitor's session began. Handed over again within a
// minute, the same answer gets the same code: a lost reply loses nothing.
func (c *Client) Answer(ctx context.Context, id string, a Answer) (responseCode string, err error) {
	var out struct {
		ResponseCode string `json:"response_code"`
	}
	err = c.do(ctx, call{method: http.MethodPost, path: path(id, "/answer"), in: a, out: &out})
	return out.ResponseCode, err
}
