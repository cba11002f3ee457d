package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"facet/verifier/server"
)

// newPEM makes a paper's identity as PEM, with an anchor of its own.
func newPEM(t *testing.T, at time.Time) (leaf []byte, anchor *x509.Certificate) {
	t.Helper()
	anchor, key, err := demoAnchor("test", at)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err = demoLeaf(demoParties[2], anchor, key, at)
	if err != nil {
		t.Fatal(err)
	}
	return leaf, anchor
}

func TestIdentityFile(t *testing.T) {
	now := time.Now()
	whole, _ := newPEM(t, now)
	other, _ := newPEM(t, now)
	key, cert := pem.Decode(whole)
	_, otherCert := pem.Decode(other)
	keyPEM := pem.EncodeToMemory(key)
	file := filepath.Join(t.TempDir(), "id.pem")
	for name, tt := range map[string]struct {
		content []byte
		mode    os.FileMode
		want    string // in the error; empty: it is right
	}{
		"right":               {whole, 0o600, ""},
		"readable by a group": {whole, 0o640, "others may read"},
		"readable by all":     {whole, 0o604, "others may read"},
		"no key":              {cert, 0o600, "no private key"},
		"no certificate":      {keyPEM, 0o600, "no certificate"},
		"two keys":            {append(bytes.Clone(keyPEM), whole...), 0o600, "two private keys"},
		"another's key":       {append(bytes.Clone(keyPEM), otherCert...), 0o600, "not for the private key"},
		"an older key format": {pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key.Bytes}), 0o600, "EC PRIVATE KEY"},
		"a damaged key":       {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key.Bytes[1:]}), 0o600, ""},
		"empty":               {nil, 0o600, "no private key"},
	} {
		if err := os.WriteFile(file, tt.content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, tt.mode); err != nil {
			t.Fatal(err)
		}
		_, err := readIdentity(file, "")
		if name == "a damaged key" {
			if err == nil {
				t.Errorf("%s: accepted", name)
			}
			continue
		}
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestIdentityEnds(t *testing.T) {
	now := time.Now()
	whole, _ := newPEM(t, now)
	id := &identity{}
	if err := id.parse(whole); err != nil {
		t.Fatal(err)
	}
	end := id.leaf.NotAfter
	for name, tt := range map[string]struct {
		at    time.Time
		level string
	}{
		"today":         {now, ""},
		"31 days left":  {end.Add(-31 * 24 * time.Hour), ""},
		"30 days left":  {end.Add(-renewBefore + time.Minute), levelWarning},
		"over":          {end.Add(time.Second), levelProblem},
		"not yet valid": {id.leaf.NotBefore.Add(-time.Second), levelProblem},
	} {
		found := id.check("x", tt.at)
		switch {
		case tt.level == "" && len(found) != 0, tt.level != "" && (len(found) != 1 || found[0].Level != tt.level || found[0].Mend == ""):
			t.Errorf("%s: %+v", name, found)
		}
	}
}

func TestWebhookSecretFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "whsec")
	secret := "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 32))
	w, now := webhookConfig{URL: "https://news.example/hooks"}, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		text string
		n    int
	}{
		"one": {secret, 1}, "two and a blank line": {secret + "\n\n" + secret + "\n", 2}, "none": {"\n", 0},
		"with an end": {secret + "\n" + secret + " until 2026-12-01T00:00:00Z", 2}, "with an end behind": {secret + "\n" + secret + " until 2026-11-21T00:00:00Z", 1},
		"all ended": {secret + " until 2026-11-21T00:00:00Z", 0}, "an end that is none": {secret + " until tomorrow", 0},
		"without its prefix": {secret[6:], 0}, "short": {"whsec_MTIzNA==", 0},
	} {
		write(t, file, tt.text)
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
		got, _, err := w.read(file, now)
		if (err == nil) != (tt.n > 0) || err == nil && len(got.Secrets) != tt.n {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.read(file, now); err == nil || !strings.Contains(err.Error(), "others may read") {
		t.Errorf("readable by all: %v", err)
	}
}

// TestRenewalsWithoutRestart replaces the platform's identity and the server's
// TLS certificate under a running verifier, first by something broken.
func TestRenewalsWithoutRestart(t *testing.T) {
	dir := t.TempDir()
	_, policy := furnish(t, dir)
	addr, sum, roots := freeAddr(t), server.HashKey(nodeKey), x509.NewCertPool()
	identity, tlsFile := filepath.Join(dir, "id.pem"), filepath.Join(dir, "tls.pem")
	replace := func(file string, content []byte) {
		t.Helper()
		if err := os.WriteFile(file+".new", content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	fresh := func(file string) {
		t.Helper()
		leaf, anchor := newPEM(t, time.Now())
		roots.AddCert(anchor)
		replace(file, leaf)
	}
	fresh(identity)
	fresh(tlsFile)
	config, err := json.Marshal(map[string]any{
		"url": "https://morgenblatt.example", "addr": addr, "store": "data", "log_origin": "verifier.test/log", "trust": "trust.json",
		"tls": map[string]string{"cert": "tls.pem", "key": "tls.pem"},
		"platforms": []any{map[string]any{
			"id": "news", "name": "Morgenblatt", "identity": "id.pem", "api_keys_sha256": []string{hex.EncodeToString(sum[:])},
			"policies": []string{policy}, "wallets": []any{map[string]any{"name": "Facet", "url": "https://wallet.example"}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "verifier.json"), string(config))
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var ended error
	wg.Go(func() {
		ended = runVerifier(ctx, &environ{stdout: io.Discard, stderr: io.Discard}, []string{"serve", "--config", filepath.Join(dir, "verifier.json")})
	})
	defer func() {
		stop()
		wg.Wait()
		if ended != nil {
			t.Errorf("it ended with %v", ended)
		}
	}()
	ask := func() (client string, key *ecdsa.PublicKey) { return askOverTLS(t, addr, roots) }
	client, key := ask()
	replace(identity, []byte("nothing"))
	time.Sleep(watchEvery + 500*time.Millisecond)
	if now, _ := ask(); now != client {
		t.Fatal("a broken file replaced the identity")
	}
	fresh(identity)
	fresh(tlsFile)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		newClient, newKey := ask()
		if newClient != client && !newKey.Equal(key) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("not renewed: identity %v, TLS %v", newClient != client, !newKey.Equal(key))
		}
	}
}

// askOverTLS begins a request and returns under which name, and which key the
// server showed.
func askOverTLS(t *testing.T, addr string, roots *x509.CertPool) (client string, key *ecdsa.PublicKey) {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "morgenblatt.example"}}}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		req, err := http.NewRequest("POST", "https://"+addr+"/v1/requests", strings.NewReader(`{"policy":"access","flow":"cross_device"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+nodeKey)
		res, err := c.Do(req)
		if err != nil {
			if time.Now().After(deadline) {
				t.Fatal(err)
			}
			continue
		}
		var begun struct{ Links []struct{ URL string } }
		err = json.NewDecoder(res.Body).Decode(&begun)
		res.Body.Close()
		if err != nil || len(begun.Links) != 1 {
			t.Fatalf("begin: %s %v", res.Status, err)
		}
		_, fragment, _ := strings.Cut(begun.Links[0].URL, "#")
		values, err := url.ParseQuery(fragment)
		if err != nil {
			t.Fatal(err)
		}
		return values.Get("client_id"), res.TLS.PeerCertificates[0].PublicKey.(*ecdsa.PublicKey)
	}
}
