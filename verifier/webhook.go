package verifier

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"facet/fetch"
)

// Sizes of a webhook secret in bytes (Standard Webhooks 1.0).
const (
	MinWebhookSecret = 24
	MaxWebhookSecret = 64
)

// hookTimeout is how long a platform's server may take to answer.
const hookTimeout = 20 * time.Second

// hookRetries is how long after each failed attempt the next one follows, a
// little more by chance, as Standard Webhooks proposes. After the last, three
// days on, the webhook is dropped: platforms can always ask.
var hookRetries = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// maxRetryAfter is the longest a platform's server may put an attempt off.
const maxRetryAfter = 24 * time.Hour

// A Webhook is where a platform's server wants to hear that a request ended,
// signed as Standard Webhooks 1.0 says. It carries the request's id and state
// and never a claim or hint. Delivery is at least once, without order.
type Webhook struct {
	URL     string
	Secrets [][]byte // newest first; each signs, so that one can be replaced
}

func (w *Webhook) check(insecureLoopback bool) error {
	if len(w.Secrets) == 0 {
		return errors.New("the webhook has no secret")
	}
	for _, s := range w.Secrets {
		if len(s) < MinWebhookSecret || len(s) > MaxWebhookSecret {
			return fmt.Errorf("a webhook secret has %d to %d bytes", MinWebhookSecret, MaxWebhookSecret)
		}
	}
	return checkURL("the webhook", w.URL, insecureLoopback)
}

// An event is the body of a webhook.
type event struct {
	Type      string `json:"type"` // "request." and the state
	Timestamp string `json:"timestamp"`
	Data      struct {
		ID    string `json:"id"`
		State State  `json:"state"`
	} `json:"data"`
}

// A delivery is how one attempt ended.
type delivery struct {
	taken bool          // by the platform's server
	gone  bool          // it wants no more of it
	wait  time.Duration // it asked to be left alone for so long
}

// post sends it once (Standard Webhooks 1.0).
func (v *Verifier) post(ctx context.Context, w *Webhook, h hookName, ended time.Time) delivery {
	e := event{Type: "request." + string(h.state), Timestamp: ended.UTC().Format(time.RFC3339)}
	e.Data.ID, e.Data.State = h.tx, h.state
	body, err := json.Marshal(e)
	if err != nil {
		return delivery{gone: true}
	}
	id := "msg_" + base64.RawURLEncoding.EncodeToString(v.ids.sum("webhook/" + h.tx + "/" + string(h.state))[:16])
	at := strconv.FormatInt(v.cfg.Now().Unix(), 10)
	ctx, cancel := context.WithTimeout(ctx, hookTimeout)
	defer cancel()
	res, err := v.cfg.Fetch.Do(ctx, fetch.Request{
		Method: http.MethodPost, URL: w.URL, Body: body, ContentType: "application/json",
		Header:   map[string]string{"webhook-id": id, "webhook-timestamp": at, "webhook-signature": w.sign(id, at, body)},
		MaxBytes: 4 << 10,
	})
	if err != nil {
		return delivery{}
	}
	d := delivery{taken: res.OK() == nil, gone: res.Status == http.StatusGone}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && seconds > 0 {
		d.wait = min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	return d
}

// sign makes one signature for each secret (Standard Webhooks 1.0).
func (w *Webhook) sign(id, at string, body []byte) string {
	var out []string
	for _, secret := range w.Secrets {
		h := hmac.New(sha256.New, secret)
		fmt.Fprintf(h, "%s.%s.%s", id, at, body)
		out = append(out, "v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil)))
	}
	return strings.Join(out, " ")
}

// endedAt is when the transaction took the state it is in.
func (t *transaction) endedAt() time.Time {
	if t.State == Withdrawn {
		return t.taken()
	}
	return t.closed()
}
