package main

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"facet/verifier"
)

// How often files are looked at, and operators reminded.
const (
	watchEvery  = 2 * time.Second
	remindEvery = 24 * time.Hour
)

// watch picks up a changed configuration and renewed identities until ctx ends,
// when told to or by itself, and reminds of those that end soon once a day.
func (n *verifierNode) watch(ctx context.Context, told <-chan os.Signal) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	var beside sync.WaitGroup
	beside.Go(func() { n.prove(ctx) })
	defer beside.Wait()
	reminded := time.Time{}
	for {
		n.noteTLS()
		for i := range n.setup.platforms {
			n.renew(ctx, &n.setup.platforms[i])
		}
		if now := n.now(); now.Sub(reminded) >= remindEvery {
			n.remind(now)
			reminded = now
		}
		select {
		case <-ctx.Done():
			return
		case <-told:
			n.reload(ctx)
		case <-tick.C:
			if n.setup.source.changed(n.now()) {
				n.reload(ctx)
			}
		}
	}
}

// renew hands a replaced identity file to the engine. One that is not right is
// logged once, and the old identity stays.
func (n *verifierNode) renew(ctx context.Context, p *platformSetup) {
	fi, err := os.Stat(p.file)
	if err != nil || stampOf(fi) == p.stamp && !p.reregistered() {
		return // gone for a moment, while it is replaced
	}
	id, err := readIdentity(p.file, p.Prefix)
	p.stamp = stampOf(fi)
	if err == nil {
		p.stamp = id.stamp
		if problem := problems(id.check("platform "+p.ID, time.Now())); problem != nil {
			err = problem
		}
	}
	var certificates []string
	if err == nil {
		certificates, err = p.readRegistrations()
	}
	if err == nil {
		err = n.engine.Renew(ctx, p.ID, verifier.Identity{Signer: id.key, X5C: id.x5c, Kid: id.kid, Registrations: certificates})
	}
	var waits interface{ Reason() string }
	switch {
	case errors.As(err, &waits) && waits.Reason() == verifier.ReasonPlatformUnavailable:
		n.logger.Warn("identity renewed, but not used before its DID document is there", "platform", p.ID)
	case err != nil:
		n.logger.Error("identity not renewed", "platform", p.ID, "error", err)
		return
	}
	p.ends = id.ends()
	n.noteEnds(p)
	switch {
	case err != nil:
	case p.ends.IsZero():
		n.logger.Info("identity renewed", "platform", p.ID)
	default:
		n.logger.Info("identity renewed", "platform", p.ID, "until", day(p.ends))
	}
}

// noteEnds publishes when a platform's certificates end.
func (n *verifierNode) noteEnds(p *platformSetup) {
	if !p.ends.IsZero() {
		n.metrics.CertificateEnd(p.ID, p.ends)
	}
	n.metrics.RegistrationEnd(p.ID, p.registrationEnds())
}

// noteTLS publishes when the TLS certificate ends.
func (n *verifierNode) noteTLS() {
	if end := n.setup.tlsEnds(); !end.IsZero() {
		n.metrics.TLSEnd(end)
	}
}

// tlsEnds is when the certificate in the file does; zero if TLS is in front.
func (s *verifierSetup) tlsEnds() time.Time {
	if s.tls == nil {
		return time.Time{}
	}
	pair, err := s.tls.get(nil)
	if err != nil || pair.Leaf == nil {
		return time.Time{}
	}
	return pair.Leaf.NotAfter
}

func (n *verifierNode) remind(now time.Time) {
	if end := n.setup.tlsEnds(); !end.IsZero() && end.Sub(now) < renewBefore {
		n.logger.Warn("the TLS certificate ends soon", "until", day(end), "days", int(end.Sub(now).Hours()/24))
	}
	for _, p := range n.setup.platforms {
		for _, r := range p.registered {
			if left := r.ends.Sub(now); left < renewBefore {
				n.logger.Warn("a registration certificate ends soon", "platform", p.ID, "until", day(r.ends), "days", int(left.Hours()/24))
			}
		}
		if left := p.ends.Sub(now); !p.ends.IsZero() && left < renewBefore {
			n.logger.Warn("a certificate ends soon", "platform", p.ID, "until", day(p.ends), "days", int(left.Hours()/24))
		}
	}
}

// A certFile is a TLS certificate that is read again when its file changes.
type certFile struct {
	cert, key string

	mu     sync.Mutex // guards what follows
	stamp  fileStamp
	loaded *tls.Certificate
}

// get returns the newest certificate that is right (tls.Config.GetCertificate).
func (c *certFile) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fi, err := os.Stat(c.cert)
	if c.loaded != nil && (err != nil || stampOf(fi) == c.stamp) {
		return c.loaded, nil
	}
	if err != nil {
		return nil, err
	}
	if err := private(c.key); err != nil {
		return c.loaded, errOr(c.loaded, err)
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil { // half replaced: the next connection tries again
		return c.loaded, errOr(c.loaded, err)
	}
	c.loaded, c.stamp = &pair, stampOf(fi)
	return c.loaded, nil
}

// tlsFiles are those the configuration names for TLS.
func (c *verifierConfig) tlsFiles() *certFile {
	return &certFile{cert: c.path(c.TLS.Cert), key: c.path(c.TLS.Key)}
}

// errOr is err unless there is something to go on with.
func errOr(have *tls.Certificate, err error) error {
	if have != nil {
		return nil
	}
	return err
}

// private refuses a file that others may read.
func private(name string) error {
	fi, err := os.Stat(name)
	if err != nil {
		return err
	}
	if fi.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("others may read %s (mode %04o): make a new one, or chmod 600 it if it never left this machine", name, fi.Mode().Perm())
	}
	return nil
}

// webhookConfig is where a platform wants to hear that a request ended.
type webhookConfig struct {
	URL        string `json:"url"`
	SecretFile string `json:"secret_file"` // whsec_…, one a line, newest first, perhaps "until" a time
}

// read returns the secrets that have not ended, and when the next one does.
func (w *webhookConfig) read(file string, now time.Time) (out *verifier.Webhook, ends time.Time, err error) {
	if err := private(file); err != nil {
		return nil, ends, err
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, ends, err
	}
	out = &verifier.Webhook{URL: w.URL}
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		secret, until, err := readSecret(line)
		if err != nil {
			return nil, ends, err
		}
		if !until.IsZero() && !now.Before(until) {
			continue
		}
		if !until.IsZero() && (ends.IsZero() || until.Before(ends)) {
			ends = until
		}
		out.Secrets = append(out.Secrets, secret)
	}
	if len(out.Secrets) == 0 {
		return nil, ends, errors.New("there is no secret in it that has not ended")
	}
	return out, ends, nil
}

// readSecret reads one line of a secret file: whsec_… and perhaps "until" and a
// time.
func readSecret(line string) (secret []byte, until time.Time, err error) {
	line, end, ended := strings.Cut(line, " until ")
	text, ok := strings.CutPrefix(line, "whsec_")
	secret, err = base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(secret) < verifier.MinWebhookSecret || len(secret) > verifier.MaxWebhookSecret {
		return nil, until, fmt.Errorf("a line is not whsec_ and %d to %d bytes in base64", verifier.MinWebhookSecret, verifier.MaxWebhookSecret)
	}
	if ended {
		if until, err = time.Parse(time.RFC3339, strings.TrimSpace(end)); err != nil {
			return nil, until, errors.New("after until stands no time such as 2026-12-01T00:00:00Z")
		}
	}
	return secret, until, nil
}
