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
	"sync"
	"time"

	"facet/fetch"
	"facet/store"
)

// Sizes of a webhook secret in bytes (Standard Webhooks 1.0).
const (
	MinWebhookSecret = 24
	MaxWebhookSecret = 64
)

// How webhooks are sent: so many in one Sweep, so many at a time, and each
// claimed for so long, so that another process does not send it too.
const (
	maxHooks    = 64
	hooksAtOnce = 8
	hookLease   = time.Minute
)

// hookRetries is how long after each failed attempt the next one follows.
// After the last the webhook is dropped: platforms can always ask.
var hookRetries = []time.Duration{5 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour}

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

// A hook is one webhook waiting: "hook/<unix time>/<transaction>/<state>".
type hook struct {
	Attempt int   `json:"attempt,omitempty"` // failed so far
	Until   int64 `json:"until,omitempty"`   // claimed by a process until then
}

const hookPrefix = "hook/"

func hookKey(at time.Time, tx string, s State) string {
	return fmt.Sprintf("%s%012d/%s/%s", hookPrefix, at.Unix(), tx, s)
}

func parseHook(key string) (at time.Time, tx string, s State, ok bool) {
	part := strings.Split(strings.TrimPrefix(key, hookPrefix), "/")
	if len(part) != 3 {
		return time.Time{}, "", "", false
	}
	seconds, err := strconv.ParseInt(part[0], 10, 64)
	return time.Unix(seconds, 0), part[1], State(part[2]), err == nil
}

// announce queues the webhook of a state before the transaction takes it, under
// a name that is the same whenever this step is repeated.
func (v *Verifier) announce(ctx context.Context, t *transaction, s State, at time.Time) error {
	if t.platform == nil || t.platform.Webhook == nil {
		return nil
	}
	_, err := v.cfg.Store.Swap(ctx, hookKey(at, t.ID, s), 0, []byte("{}"))
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return unavailable("queue webhook", err)
	}
	return nil
}

// deliver sends the webhooks that are due.
func (v *Verifier) deliver(ctx context.Context) error {
	var keys []string
	for key, err := range v.cfg.Store.Keys(ctx, hookPrefix, "") {
		if err != nil {
			return unavailable("list webhooks", err)
		}
		at, _, _, ok := parseHook(key)
		if ok && at.After(v.cfg.Now()) || len(keys) == maxHooks {
			break
		}
		keys = append(keys, key)
	}
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex // guards errs
		errs  []error
		turns = make(chan struct{}, hooksAtOnce)
	)
	for _, key := range keys {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			if err := v.deliverOne(ctx, key); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// deliverOne claims one webhook and sends it, unless it is too early or too
// late for it.
func (v *Verifier) deliverOne(ctx context.Context, key string) error {
	_, tx, state, ok := parseHook(key)
	if !ok {
		return v.remove(ctx, key)
	}
	raw, version, err := v.cfg.Store.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	var h hook
	if err == nil {
		err = json.Unmarshal(raw, &h)
	}
	if err != nil {
		return unavailable("read webhook", err)
	}
	now := v.cfg.Now()
	if now.Before(time.Unix(h.Until, 0)) {
		return nil
	}
	t, err := v.load(ctx, tx)
	switch {
	case reasonOf(err, "") == ReasonUnknown:
		return v.remove(ctx, key)
	case err != nil:
		return err
	case t.comesTo(state):
		return nil
	case t.State != state || t.platform == nil || t.platform.Webhook == nil:
		return v.remove(ctx, key) // it says what is no longer so, or nobody listens
	}
	h.Until = now.Add(hookLease).Unix()
	if version, err = v.swapHook(ctx, key, version, h); errors.Is(err, store.ErrConflict) {
		return nil // another process has it
	}
	if err != nil {
		return unavailable("claim webhook", err)
	}
	return v.attempt(ctx, t, key, version, h)
}

// comesTo reports whether the transaction is about to take the state.
func (t *transaction) comesTo(s State) bool {
	return s == Released && (t.State == Accepted || t.State == Logged) || s == Withdrawn && t.State == Withdrawing
}

func (v *Verifier) swapHook(ctx context.Context, key string, old store.Version, h hook) (store.Version, error) {
	raw, err := json.Marshal(h)
	if err != nil {
		return 0, err
	}
	return v.cfg.Store.Swap(ctx, key, old, raw)
}

// attempt sends a claimed webhook and notes what came of it.
func (v *Verifier) attempt(ctx context.Context, t *transaction, key string, version store.Version, h hook) error {
	delivered, gone := v.post(ctx, t)
	outcome := "delivered"
	switch {
	case delivered:
	case gone || h.Attempt >= len(hookRetries):
		outcome = "dropped"
	default:
		outcome = "retried"
		next := hookKey(v.cfg.Now().Add(hookRetries[h.Attempt]), t.ID, t.State)
		if _, err := v.swapHook(ctx, next, 0, hook{Attempt: h.Attempt + 1}); err != nil && !errors.Is(err, store.ErrConflict) {
			return unavailable("queue webhook", err)
		}
	}
	v.cfg.CountWebhook(outcome)
	if err := v.cfg.Store.Delete(ctx, key, version); err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrConflict) {
		return unavailable("delete webhook", err)
	}
	return nil
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

// post sends it once. gone says that the platform wants no more of it.
func (v *Verifier) post(ctx context.Context, t *transaction) (delivered, gone bool) {
	e := event{Type: "request." + string(t.State), Timestamp: t.endedAt().UTC().Format(time.RFC3339)}
	e.Data.ID, e.Data.State = t.ID, t.State
	body, err := json.Marshal(e)
	if err != nil {
		return false, true
	}
	id := "msg_" + base64.RawURLEncoding.EncodeToString(v.ids.sum("webhook/" + t.ID + "/" + string(t.State))[:16])
	at := strconv.FormatInt(v.cfg.Now().Unix(), 10)
	res, err := v.cfg.Fetch.Do(ctx, fetch.Request{
		Method: http.MethodPost, URL: t.platform.Webhook.URL, Body: body, ContentType: "application/json",
		Header:   map[string]string{"webhook-id": id, "webhook-timestamp": at, "webhook-signature": t.platform.Webhook.sign(id, at, body)},
		MaxBytes: 4 << 10,
	})
	if err != nil {
		return false, false
	}
	return res.OK() == nil, res.Status == http.StatusGone
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
