package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"facet/credentials"
	"facet/credentials/jose"
	"facet/policy"
	"facet/policy/lint"
	"facet/verifier"
	"facet/verifier/server"
)

var verifierCommand = command{
	name:  "verifier",
	args:  "serve --config FILE | key",
	short: "ask wallets for platforms, by policy, with a public log",
	long: `
facet verifier serve runs the verifier, its presentation log and the auditor's console.
The configuration is JSON; paths in it are relative to it:

  {"url": "https://verifier.example", "addr": "127.0.0.1:8081", "dir": "data",
   "log_origin": "verifier.example/log", "trust": "trust.json",
   "platforms": [{"id": "news", "name": "Morgenblatt", "identity": "morgenblatt.pem",
     "api_keys_sha256": ["…"], "return_uris": ["https://news.example/facet/callback"],
     "policies": ["home.yaml"], "wallets": [{"name": "Facet", "url": "https://wallet.example"}]}]}

identity is a PEM file with the platform's private key (PKCS #8) and its certificate
chain, leaf first, without the anchor. "insecure_loopback": true allows http addresses
of this machine, for trying out only; the log says so.

facet verifier key makes an API key and prints it with its SHA-256, once.

Put TLS in front.`,
	run: runVerifier,
}

func runVerifier(ctx context.Context, env *environ, args []string) error {
	if len(args) == 1 && args[0] == "key" {
		key := rand.Text()
		sum := server.HashKey(key)
		fmt.Fprintf(env.stdout, "key     %s\nsha256  %s\n", key, hex.EncodeToString(sum[:]))
		return nil
	}
	if len(args) == 0 || args[0] != "serve" {
		return fmt.Errorf("%w: say serve or key", errUsage)
	}
	f := flag.NewFlagSet("verifier serve", flag.ContinueOnError)
	f.SetOutput(new(strings.Builder))
	file := f.String("config", "", "")
	if err := f.Parse(args[1:]); err != nil || f.NArg() > 0 || *file == "" {
		return fmt.Errorf("%w: serve needs --config", errUsage)
	}
	c, err := readVerifierConfig(*file)
	if err != nil {
		return fmt.Errorf("%s: %w", *file, err)
	}
	return c.serve(ctx, env)
}

// verifierConfig is the configuration file.
type verifierConfig struct {
	URL              string           `json:"url"`
	Addr             string           `json:"addr"`
	Dir              string           `json:"dir"`
	LogOrigin        string           `json:"log_origin"`
	Trust            string           `json:"trust"`
	Platforms        []platformConfig `json:"platforms"`
	InsecureLoopback bool             `json:"insecure_loopback"`

	base string // the folder paths are relative to
}

type platformConfig struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Identity   string            `json:"identity"`
	APIKeys    []string          `json:"api_keys_sha256"` // hex
	ReturnURIs []string          `json:"return_uris"`
	Policies   []string          `json:"policies"`
	Wallets    []verifier.Wallet `json:"wallets"`
}

// readVerifierConfig reads the file strictly: a misspelled member would
// otherwise be a setting that silently does not hold.
func readVerifierConfig(file string) (*verifierConfig, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	c := &verifierConfig{Addr: "127.0.0.1:8081", base: filepath.Dir(file)}
	if err := d.Decode(c); err != nil {
		return nil, err
	}
	switch {
	case c.URL == "" || c.LogOrigin == "" || c.Trust == "" || c.Dir == "":
		return nil, errors.New("url, log_origin, trust and dir must be set")
	case len(c.Platforms) == 0:
		return nil, errors.New("there is no platform")
	}
	return c, nil
}

func (c *verifierConfig) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.base, name)
}

func (c *verifierConfig) serve(ctx context.Context, env *environ) (err error) {
	s := verifierSetup{
		dir: c.path(c.Dir), baseURL: strings.TrimRight(c.URL, "/"), origin: c.LogOrigin,
		logger: slog.New(slog.NewTextHandler(env.stderr, nil)), insecureLoopback: c.InsecureLoopback,
	}
	trust, err := os.ReadFile(c.path(c.Trust))
	if err != nil {
		return err
	}
	if s.trust, err = credentials.ParseTrustList(trust); err != nil {
		return fmt.Errorf("%s: %w", c.Trust, err)
	}
	for _, p := range c.Platforms {
		if err := c.addPlatform(&s, p); err != nil {
			return fmt.Errorf("platform %q: %w", p.ID, err)
		}
	}
	n, err := openVerifier(ctx, s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if c.InsecureLoopback {
		fmt.Fprintln(env.stderr, "INSECURE: http addresses of this machine are allowed (insecure_loopback).")
	}
	fmt.Fprintf(env.stdout, "verifier %s\nlog      %s\nkey      %s\n", s.baseURL, n.log.Origin(), n.log.VKey())
	ctx, stop := context.WithCancel(ctx)
	var worker sync.WaitGroup
	worker.Go(func() { n.work(ctx) })
	err = serveUntil(ctx, env, c.Addr, n.handler)
	stop()
	worker.Wait()
	return err
}

func (c *verifierConfig) addPlatform(s *verifierSetup, p platformConfig) error {
	out := verifier.Platform{ID: p.ID, Name: p.Name, ReturnURIs: p.ReturnURIs, Wallets: p.Wallets}
	var err error
	if out.Signer, out.X5C, err = readSigner(c.path(p.Identity)); err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	for _, name := range p.Policies {
		loaded, err := readPolicyFile(c.path(name))
		if err != nil {
			return fmt.Errorf("policy %s: %w", name, err)
		}
		out.Policies = append(out.Policies, loaded)
	}
	for _, text := range p.APIKeys {
		sum, err := hex.DecodeString(text)
		if err != nil || len(sum) != sha256.Size {
			return errors.New("an entry of api_keys_sha256 is no SHA-256 in hex")
		}
		s.keys = append(s.keys, server.APIKey{Platform: p.ID, SHA256: [sha256.Size]byte(sum)})
	}
	s.platforms = append(s.platforms, out)
	return nil
}

func readPolicyFile(name string) (*policy.Policy, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return lint.Load(text)
}

// readSigner reads a key and its chain from a PEM file.
func readSigner(name string) (jose.Signer, []string, error) {
	rest, err := os.ReadFile(name)
	if err != nil {
		return nil, nil, err
	}
	var key *jose.PrivateKey
	var x5c []string
	for block, rest := pem.Decode(rest); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "PRIVATE KEY":
			if key, err = jose.ParsePKCS8PrivateKey(block.Bytes); err != nil {
				return nil, nil, err
			}
		case "CERTIFICATE":
			x5c = append(x5c, base64.StdEncoding.EncodeToString(block.Bytes))
		}
	}
	if key == nil || len(x5c) == 0 {
		return nil, nil, fmt.Errorf("%s holds no private key (PKCS #8) or no certificate", name)
	}
	return key, x5c, nil
}
