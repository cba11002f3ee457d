package newsroom

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"facet/policy/hints"
)

// maxAnswer is the most bytes of an answer of the verifier.
const maxAnswer = 1 << 20

// client calls the verifier's platform API.
type client struct {
	base, key string
	http      *http.Client
}

// A problem is what the verifier answers when it does not do as asked.
type problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (p *problem) Error() string  { return fmt.Sprintf("verifier: %d %s", p.Status, p.Code) }
func (p *problem) Reason() string { return p.Code }

type link struct {
	Wallet string `json:"wallet"`
	URL    string `json:"url"`
}

type begun struct {
	ID        string `json:"id"`
	ExpiresAt int64  `json:"expires_at"` // unix seconds
	Links     []link `json:"links"`
	Events    string `json:"events"`
}

// result is what the newsroom uses of a result: hints. It does not read claims.
type result struct {
	ID      string         `json:"id"`
	Purpose string         `json:"purpose"`
	Flow    string         `json:"flow"`
	Hints   hints.HintSet  `json:"hints"`
	Policy  map[string]any `json:"policy"`
}

func (c *client) begin(ctx context.Context, policy, flow, returnURI string) (*begun, error) {
	in := map[string]string{"policy": policy, "flow": flow}
	if flow == sameDevice {
		in["return_uri"] = returnURI
	}
	var out begun
	return &out, c.call(ctx, http.MethodPost, "/v1/requests", "", in, &out)
}

// state is open, accepted, logged, released, refused, expired, rejected or withdrawn.
func (c *client) state(ctx context.Context, id string) (string, error) {
	var out struct {
		State string `json:"state"`
	}
	err := c.call(ctx, http.MethodGet, "/v1/requests/"+url.PathEscape(id), "", nil, &out)
	return out.State, err
}

// result reads a result; once, so reader makes it safe to repeat.
func (c *client) result(ctx context.Context, id, responseCode, reader string) (*result, error) {
	in := map[string]string{}
	if responseCode != "" {
		in["response_code"] = responseCode
	}
	var out result
	return &out, c.call(ctx, http.MethodPost, "/v1/requests/"+url.PathEscape(id)+"/result", reader, in, &out)
}

func (c *client) call(ctx context.Context, method, path, idempotency string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Accept", "application/json")
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if idempotency != "" {
		req.Header.Set("Idempotency-Key", idempotency)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("calling the verifier: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("reading the verifier's answer: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		p := &problem{}
		_ = json.Unmarshal(answer, p) // without a body the status alone speaks
		p.Status = resp.StatusCode
		return p
	}
	return json.Unmarshal(answer, out)
}
