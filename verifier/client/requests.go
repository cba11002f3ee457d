package client

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"

	"facet/policy/hints"
)

// A Flow is how a person answers.
type Flow string

// Flows.
const (
	SameDevice  Flow = "same_device"  // the wallet opens in the same browser and comes back
	CrossDevice Flow = "cross_device" // a code is scanned; lower assurance of who is sitting there
	DigitalAPI  Flow = "dc_api"       // by way of the browser's Digital Credentials API
)

// Fragment is the response mode in which a wallet answers in the return
// address's fragment, in the clear, and the page hands it to its server. The
// verifier refuses it unless the platform is configured for it.
const Fragment = "fragment"

// A State is where a request stands.
type State string

// States. The first four are on their way, the others are final but for
// Released, which may become Withdrawn.
const (
	Open      State = "open"
	Opened    State = "opened" // a wallet has fetched the request
	Accepted  State = "accepted"
	Logged    State = "logged"
	Released  State = "released"
	Refused   State = "refused"
	Rejected  State = "rejected"
	Expired   State = "expired"
	Withdrawn State = "withdrawn"
)

// Ended reports whether the request waits for nothing any more.
func (s State) Ended() bool {
	switch s {
	case Open, Opened, Accepted, Logged:
		return false
	}
	return true
}

// A Request names a policy; what is asked stands there and nowhere else.
type Request struct {
	Policy         string `json:"policy"`
	Flow           Flow   `json:"flow,omitempty"`          // "": same device
	ReturnURI      string `json:"return_uri,omitempty"`    // same device only: a registered address, exactly
	Wallet         string `json:"wallet,omitempty"`        // the one it is for, by name; "": the visitor chooses
	ResponseMode   string `json:"response_mode,omitempty"` // "" or Fragment
	Origin         string `json:"origin,omitempty"`        // DigitalAPI only: of the page that asks
	IdempotencyKey string `json:"-"`                       // "": a fresh one, so that the call may be repeated
}

// A Begun waits for an answer. Keep ID in the visitor's session; its JSON, with
// an Events address of your own, is what <wallet-request> wants.
type Begun struct {
	ID        string          `json:"id"`
	ExpiresAt int64           `json:"expires_at"` // unix seconds
	Links     []Link          `json:"links,omitempty"`
	Digital   json.RawMessage `json:"digital,omitempty"` // DigitalAPI: for navigator.credentials.get({digital})
	Events    string          `json:"events,omitempty"`  // at the verifier: a path
}

// A Link opens one wallet with the request.
type Link struct {
	Wallet string `json:"wallet"`
	URL    string `json:"url"`
}

// Begin opens a request.
func (c *Client) Begin(ctx context.Context, r Request) (*Begun, error) {
	key := r.IdempotencyKey
	if key == "" {
		key = rand.Text()
	}
	out := &Begun{}
	if err := c.do(ctx, call{http.MethodPost, "/v1/requests", key, r, out}); err != nil {
		return nil, err
	}
	return out, nil
}

// Status asks where a request stands.
func (c *Client) Status(ctx context.Context, id string) (State, error) {
	var out struct {
		State State `json:"state"`
	}
	err := c.do(ctx, call{method: http.MethodGet, path: path(id, ""), out: &out})
	return out.State, err
}

// path is where a request answers. What cannot be an id and might lead elsewhere
// (nothing, dots) names one that nobody has.
func path(id, below string) string {
	if id == "" || id == "." || id == ".." {
		id = "-"
	}
	return "/v1/requests/" + url.PathEscape(id) + below
}

// A Reading is a wish to read a result, once.
type Reading struct {
	ID           string
	ResponseCode string // from the address the visitor came back to, or from Answer; not for CrossDevice
	Reader       string // "": one of this call. The same reader may read again for a minute
}

// A Result is what the holder approved, derived by the policy.
type Result struct {
	ID        string                    `json:"id"`
	Purpose   string                    `json:"purpose"`
	Policy    PolicyRef                 `json:"policy"`
	Flow      Flow                      `json:"flow"`
	ExpiresAt int64                     `json:"expires_at"` // unix seconds: delete everything by then
	Hints     hints.HintSet             `json:"hints"`
	Claims    map[string]map[string]any `json:"claims"`  // by query id, if the policy lets them out; numbers are json.Number
	Sources   map[string]Source         `json:"sources"` // by query id: who vouches
	HintToken string                    `json:"hint_token"`
	TokenEnds int64                     `json:"hint_token_expires_at"`
}

// A PolicyRef says which version of a policy asked.
type PolicyRef struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
	SHA256  string `json:"sha256"`
}

// A Source says who vouches for an answer.
type Source struct {
	VCT       string `json:"vct"`
	Assurance string `json:"assurance"`
	Issuer    string `json:"issuer"`
}

// Result reads a result. An answer that is still on its way into the log is
// waited for while ctx lasts; one that has not come yet is CodeNotReady.
func (c *Client) Result(ctx context.Context, r Reading) (*Result, error) {
	if r.Reader == "" {
		r.Reader = rand.Text()
	}
	in := map[string]string{}
	if r.ResponseCode != "" {
		in["response_code"] = r.ResponseCode
	}
	for n := 1; ; n++ {
		out := &Result{}
		err := c.do(ctx, call{http.MethodPost, path(r.ID, "/result"), r.Reader, in, out})
		if err == nil {
			out.Hints = plain(out.Hints)
			return out, nil
		}
		if CodeOf(err) != CodeNotReady || !c.coming(ctx, r.ID) {
			return nil, err
		}
		if wait, _ := pause(nil, min(n, 3)); !sleep(ctx, wait) {
			return nil, err
		}
	}
}

// coming reports whether an answer has been taken and waits for the log.
func (c *Client) coming(ctx context.Context, id string) bool {
	s, err := c.Status(ctx, id)
	return err == nil && (s == Accepted || s == Logged || s == Released)
}

// plain makes lists of texts out of lists of anything, as a HintSet promises.
func plain(set hints.HintSet) hints.HintSet {
	for i := range set {
		set[i].Value, set[i].Default = texts(set[i].Value), texts(set[i].Default)
	}
	return set
}

func texts(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	out := make([]string, 0, len(list))
	for _, e := range list {
		s, ok := e.(string)
		if !ok {
			return v
		}
		out = append(out, s)
	}
	return out
}
