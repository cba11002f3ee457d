package client_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"facet/verifier/client"
)

func whsec(secret []byte) string { return "whsec_" + base64.StdEncoding.EncodeToString(secret) }

func webhooks(t *testing.T, now func() time.Time, secrets ...[]byte) *client.Webhooks {
	t.Helper()
	var texts []string
	for _, s := range secrets {
		texts = append(texts, whsec(s))
	}
	w, err := client.NewWebhooks(client.WebhookConfig{Secrets: texts, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestWebhook receives what the running verifier sends.
func TestWebhook(t *testing.T) {
	r := newRig(t)
	b := begin(t, r.client())
	r.approve(b.Links[0].URL)
	r.engine.Deliver(t.Context(), nil, func(err error) { t.Error(err) })
	var hook *http.Request
	select {
	case hook = <-r.hooks:
	case <-time.After(10 * time.Second):
		t.Fatal("no webhook came")
	}
	old := bytes.Repeat([]byte{1}, 32)
	e, err := webhooks(t, time.Now, old, r.secret, old).Receive(hook) // while the secret is being replaced
	if err != nil {
		t.Fatal(err)
	}
	if e.Request != b.ID || e.State != client.Released || !strings.HasPrefix(e.ID, "msg_") || time.Since(e.At).Abs() > time.Minute {
		t.Errorf("event: %+v", e)
	}
}

// TestWebhookRejects: everything an attacker on the open address can send.
func TestWebhookRejects(t *testing.T) {
	secret, other := bytes.Repeat([]byte{7}, 32), bytes.Repeat([]byte{8}, 32)
	now := time.Unix(1_800_000_000, 0)
	const body = `{"type":"request.withdrawn","timestamp":"2027-01-15T08:00:00Z","data":{"id":"tx","state":"withdrawn"}}`
	sign := func(secret []byte, id, at, body string) string {
		h := hmac.New(sha256.New, secret)
		fmt.Fprintf(h, "%s.%s.%s", id, at, body)
		return "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil))
	}
	at := func(d time.Duration) string { return fmt.Sprint(now.Add(d).Unix()) }
	type sent struct{ id, at, signature, body string }
	good := sent{"msg_1", at(0), sign(secret, "msg_1", at(0), body), body}
	signed := func(when, body string) sent { return sent{"msg_1", when, sign(secret, "msg_1", when, body), body} }
	for _, tt := range []struct {
		name string
		sent sent
		ok   bool
	}{
		{"good", good, true},
		{"a second signature fits", sent{good.id, good.at, sign(other, good.id, good.at, body) + " " + good.signature, body}, true},
		{"the first of two signatures fits", sent{good.id, good.at, good.signature + " " + sign(other, good.id, good.at, body), body}, true},
		{"five minutes old", signed(at(-5*time.Minute), body), true},
		{"older", signed(at(-5*time.Minute-time.Second), body), false},
		{"from the future", signed(at(5*time.Minute+time.Second), body), false},
		{"time of the year 292277026596", signed("9223372036854775807", body), false},
		{"another secret", sent{good.id, good.at, sign(other, good.id, good.at, body), body}, false},
		{"another body", sent{good.id, good.at, good.signature, strings.Replace(body, "tx", "ty", 1)}, false},
		{"another id", sent{"msg_2", good.at, good.signature, body}, false},
		{"another time", sent{good.id, at(time.Second), good.signature, body}, false},
		{"another version", sent{good.id, good.at, "v1a" + strings.TrimPrefix(good.signature, "v1"), body}, false},
		{"no signature", sent{good.id, good.at, "", body}, false},
		{"empty signature", sent{good.id, good.at, "v1,", body}, false},
		{"half a signature", sent{good.id, good.at, good.signature[:24], body}, false},
		{"the ninth signature", sent{good.id, good.at, strings.Repeat("v1,AAAA ", 8) + good.signature, body}, false},
		{"no id", sent{"", good.at, sign(secret, "", good.at, body), body}, false},
		{"no time", sent{good.id, "", sign(secret, good.id, "", body), body}, false},
		{"type and state differ", signed(good.at, strings.Replace(body, "request.withdrawn", "request.released", 1)), false},
		{"something else signed", signed(good.at, `{"type":"invoice.paid"}`), false},
		{"too large", signed(good.at, body+strings.Repeat(" ", client.MaxWebhook)), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, _ := http.NewRequest(http.MethodPost, "http://news.example/hooks", strings.NewReader(tt.sent.body))
			for name, value := range map[string]string{"webhook-id": tt.sent.id, "webhook-timestamp": tt.sent.at, "webhook-signature": tt.sent.signature} {
				if value != "" {
					req.Header.Set(name, value)
				}
			}
			e, err := webhooks(t, func() time.Time { return now }, secret).Receive(req)
			if (err == nil) != tt.ok || err != nil && !errors.Is(err, client.ErrWebhook) {
				t.Fatalf("%+v, %v", e, err)
			}
		})
	}
}

func TestWebhookSecrets(t *testing.T) {
	good := whsec(bytes.Repeat([]byte{7}, 32))
	for name, secrets := range map[string][]string{
		"none": nil, "bare": {strings.TrimPrefix(good, "whsec_")}, "short": {whsec(bytes.Repeat([]byte{7}, 23))},
		"long": {whsec(bytes.Repeat([]byte{7}, 65))}, "second is bad": {good, "whsec_%"},
	} {
		if _, err := client.NewWebhooks(client.WebhookConfig{Secrets: secrets, Now: time.Now}); err == nil {
			t.Errorf("%s: taken", name)
		} else if strings.Contains(err.Error(), strings.TrimPrefix(good, "whsec_")) {
			t.Errorf("%s: the error holds a secret", name)
		}
	}
	if _, err := client.NewWebhooks(client.WebhookConfig{Secrets: []string{good}}); err == nil {
		t.Error("without a clock: taken")
	}
}
