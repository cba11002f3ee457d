package client

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Limits of a webhook (Standard Webhooks 1.0).
const (
	MaxWebhook          = 4 << 10         // bytes of its body
	MaxWebhookAge       = 5 * time.Minute // and as much ahead of our clock
	maxSignatures       = 8
	minSecret           = 24
	maxSecret           = 64
	webhookSecretPrefix = "whsec_"
)

// ErrWebhook says that a webhook is not to be believed. Answer it with 401 and
// do nothing.
var ErrWebhook = errors.New("client: this webhook is not from our verifier")

// WebhookConfig is what it takes to believe a webhook.
type WebhookConfig struct {
	Secrets []string // "whsec_…", each good on its own: a new one beside an old one
	Now     func() time.Time
}

// Webhooks tells genuine webhooks from others. Make one with NewWebhooks.
type Webhooks struct {
	secrets [][]byte
	now     func() time.Time
}

// An Event says that a request has ended, or was taken back. It carries no
// claim and no hint.
type Event struct {
	ID      string // the same for every repetition
	Request string // its id
	State   State  // on Withdrawn, delete what you derived
	At      time.Time
}

// NewWebhooks checks the secrets.
func NewWebhooks(cfg WebhookConfig) (*Webhooks, error) {
	if len(cfg.Secrets) == 0 || cfg.Now == nil {
		return nil, errors.New("client: one of Secrets and Now is not set")
	}
	w := &Webhooks{now: cfg.Now}
	for i, text := range cfg.Secrets {
		secret, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, webhookSecretPrefix))
		if err != nil || !strings.HasPrefix(text, webhookSecretPrefix) || len(secret) < minSecret || len(secret) > maxSecret {
			return nil, fmt.Errorf("client: webhook secret %d is not whsec_ and %d to %d bytes in base64", i+1, minSecret, maxSecret)
		}
		w.secrets = append(w.secrets, secret)
	}
	return w, nil
}

// Receive reads and verifies a webhook. It does not remember: the same Event
// may come again, on purpose or not, for five minutes. Errors wrap ErrWebhook.
func (w *Webhooks) Receive(r *http.Request) (*Event, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxWebhook+1))
	if err != nil || len(body) > MaxWebhook {
		return nil, fmt.Errorf("%w: its body broke off or is too large", ErrWebhook)
	}
	return w.Verify(r.Header, body)
}

// Verify is Receive for a body that was read already, byte for byte.
func (w *Webhooks) Verify(h http.Header, body []byte) (*Event, error) {
	id, at := h.Get("Webhook-Id"), h.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if id == "" || err != nil || len(body) > MaxWebhook {
		return nil, fmt.Errorf("%w: a header is missing", ErrWebhook)
	}
	if age := w.now().Sub(time.Unix(seconds, 0)); age > MaxWebhookAge || age < -MaxWebhookAge {
		return nil, fmt.Errorf("%w: it was sent at another time", ErrWebhook)
	}
	if !w.signed(h.Get("Webhook-Signature"), id+"."+at+".", body) {
		return nil, fmt.Errorf("%w: no signature fits", ErrWebhook)
	}
	var e struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      struct {
			ID    string `json:"id"`
			State State  `json:"state"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &e); err != nil || e.Data.ID == "" || e.Type != "request."+string(e.Data.State) {
		return nil, fmt.Errorf("%w: its body is none we know", ErrWebhook)
	}
	return &Event{ID: id, Request: e.Data.ID, State: e.Data.State, At: e.Timestamp}, nil
}

// signed reports whether one of the signatures is by one of the secrets. Every
// pair is compared, each in constant time.
func (w *Webhooks) signed(header, before string, body []byte) bool {
	var sums [][]byte
	for _, secret := range w.secrets {
		h := hmac.New(sha256.New, secret)
		io.WriteString(h, before)
		h.Write(body)
		sums = append(sums, h.Sum(nil))
	}
	found := false
	for i, signature := range strings.Fields(header) {
		text, v1 := strings.CutPrefix(signature, "v1,")
		sum, err := base64.StdEncoding.DecodeString(text)
		if !v1 || err != nil || i >= maxSignatures {
			continue
		}
		for _, own := range sums {
			found = hmac.Equal(own, sum) || found
		}
	}
	return found
}
