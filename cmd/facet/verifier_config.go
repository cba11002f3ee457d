package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"facet/credentials/openid4vp"
	"facet/policy"
	"facet/policy/lint"
	"facet/verifier"
	"facet/verifier/server"
)

// verifierConfig is the configuration file.
type verifierConfig struct {
	URL              string           `json:"url"`
	Addr             string           `json:"addr"`
	AdminAddr        string           `json:"admin_addr"` // metrics, health, readiness; empty: nowhere
	TLS              *tlsConfig       `json:"tls"`        // nil: TLS is in front
	Store            string           `json:"store"`      // a folder, or postgres://…
	LogOrigin        string           `json:"log_origin"`
	Log              string           `json:"log"` // of `facet log serve`; empty: the log is in the store's folder
	Trust            string           `json:"trust"`
	Platforms        []platformConfig `json:"platforms"`
	Limits           server.Limits    `json:"limits"`
	Proxies          []string         `json:"trusted_proxies"` // whose X-Forwarded-For is believed
	InsecureLoopback bool             `json:"insecure_loopback"`

	base   string // the folder paths are relative to
	unread bool   // the file could not be read at all
}

type tlsConfig struct {
	Cert string `json:"cert"` // PEM, leaf first
	Key  string `json:"key"`
}

type platformConfig struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Identity   string            `json:"identity"`
	Also       []string          `json:"also_identities"` // of requests begun on other nodes
	APIKeys    []apiKeyConfig    `json:"api_keys_sha256"`
	Limits     platformLimits    `json:"limits"`
	Closed     bool              `json:"closed"` // it asks nothing any more
	ReturnURIs []string          `json:"return_uris"`
	Origins    []string          `json:"origins"` // of pages, besides those of return_uris
	Policies   []string          `json:"policies"`
	Wallets    []verifier.Wallet `json:"wallets"`
	Webhook    *webhookConfig    `json:"webhook"`
	Trust      string            `json:"trust"`         // of its own; empty: the verifier's
	Registered []string          `json:"registrations"` // registration certificates

	Prefix              openid4vp.Prefix `json:"client_id_prefix"`
	InsecureUnsigned    bool             `json:"insecure_unsigned"`
	InsecureUnencrypted bool             `json:"insecure_unencrypted"`
	InsecureFragment    bool             `json:"insecure_fragment"`
}

// readVerifierConfig reads the file, YAML or JSON, strictly: a misspelled member
// would otherwise be a setting that silently does not hold. What can be read is
// returned all the same, so that every mistake is found at once.
func readVerifierConfig(file string) (*verifierConfig, []finding) {
	c := &verifierConfig{Addr: "127.0.0.1:8081", base: filepath.Dir(file)}
	raw, err := os.ReadFile(file)
	if err != nil {
		c.unread = true
		return c, []finding{bad("config", err.Error(), "Give --config the configuration file; docs/operating.md has one to start from.")}
	}
	var found []finding
	for _, p := range lint.Settings(raw, c) {
		mend := "The members are in docs/operating.md."
		if p.Code == lint.ReasonYAML { // nothing in it could be read
			c.unread, mend = true, "It is YAML or JSON; docs/operating.md has one to start from."
		}
		found = append(found, bad("config", p.String(), mend))
	}
	return c, found
}

func (c *verifierConfig) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.base, name)
}

// shared reports whether the store is one that several processes use.
func (c *verifierConfig) shared() bool {
	return strings.HasPrefix(c.Store, "postgres://") || strings.HasPrefix(c.Store, "postgresql://")
}

// resolve reads everything the configuration names and says what is wrong with
// any of it. The setup is of use only if nothing is.
func (c *verifierConfig) resolve(now time.Time) (verifierSetup, []finding) {
	s := verifierSetup{
		baseURL: strings.TrimRight(c.URL, "/"), origin: c.LogOrigin, logURL: strings.TrimRight(c.Log, "/"),
		logKey: os.Getenv("FACET_LOG_KEY"), insecureLoopback: c.InsecureLoopback, lists: trustLists{},
	}
	if c.unread {
		return s, nil // what it says is not known: one finding says why
	}
	found := append(c.checkSettings(s), c.addProxies(&s)...)
	if c.shared() {
		s.database = c.Store
	} else if c.Store != "" {
		s.dir = c.path(c.Store)
	}
	if c.TLS != nil {
		s.tls = c.tlsFiles()
	}
	if c.Trust != "" {
		var err error
		if s.trust, err = s.lists.read(c.path(c.Trust)); err != nil {
			found = append(found, bad("trust", c.Trust+": "+err.Error(), mendFile(err, "It is JSON: who may issue, see docs/operating.md, “Trust list”.")))
		}
	}
	seen := map[string]string{}
	for _, p := range c.Platforms {
		found = append(found, c.addPlatform(&s, p, seen, now)...)
	}
	return s, found
}

// checkSettings looks at the settings themselves.
func (c *verifierConfig) checkSettings(s verifierSetup) (found []finding) {
	for _, m := range []struct{ name, value, mend string }{
		{"url", c.URL, "Set it to where wallets and platforms reach this verifier, such as https://verifier.example."},
		{"store", c.Store, "Set it to a folder, or to postgres://… for several verifiers."},
		{"log_origin", c.LogOrigin, "Set it to the log's name, such as verifier.example/log. It is fixed for good."},
		{"trust", c.Trust, "Set it to the trust list of issuers."},
	} {
		if m.value == "" {
			found = append(found, bad(m.name, "it is not set", m.mend))
		}
	}
	if c.URL != "" && !webAddress(c.URL, c.InsecureLoopback) {
		found = append(found, bad("url", "it is no https address", "Put TLS in front and name the public address here."))
	}
	if c.Log != "" && !webAddress(c.Log, true) {
		found = append(found, bad("log", "it is neither an https address nor one of this machine", "The writer key goes there: put TLS in front of `facet log serve`."))
	}
	if c.Log != "" && s.logKey == "" {
		found = append(found, bad("log", "FACET_LOG_KEY is not set", "Put the same key into the environment as at `facet log serve`."))
	}
	if c.Log == "" && c.shared() {
		found = append(found, bad("log", "it is not set, but the store is shared", "Run one `facet log serve` and name its address here."))
	}
	if c.TLS != nil {
		if _, err := c.tlsFiles().get(nil); err != nil {
			found = append(found, bad("tls", err.Error(), "cert and key are PEM files, the key with mode 0600."))
		}
	}
	if len(c.Platforms) == 0 {
		found = append(found, bad("platforms", "there is none", "Add the platform this verifier works for."))
	}
	return found
}

// webAddress accepts https, and http on this machine if allowed.
func webAddress(raw string, loopback bool) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.RawQuery != "" {
		return false
	}
	host := u.Hostname()
	local := host == "localhost" || host == "127.0.0.1" || host == "::1" || strings.HasSuffix(host, ".localhost")
	return u.Scheme == "https" || u.Scheme == "http" && local && loopback
}

// addPlatform reads one platform's files. seen holds which platform has which
// API key.
func (c *verifierConfig) addPlatform(s *verifierSetup, p platformConfig, seen map[string]string, now time.Time) (found []finding) {
	area := fmt.Sprintf("platform %q", p.ID)
	out := platformSetup{Platform: verifier.Platform{ID: p.ID, Name: p.Name, ReturnURIs: p.ReturnURIs, Origins: p.Origins, Wallets: p.Wallets,
		Prefix: p.Prefix, InsecureUnsigned: p.InsecureUnsigned, InsecureUnencrypted: p.InsecureUnencrypted,
		InsecureFragment: p.InsecureFragment}, file: c.path(p.Identity)}
	if p.ID == "" || p.Name == "" {
		found = append(found, bad(area, "id or name is not set", "Give it both; the name is the one in its certificate's register."))
	}
	id, err := readIdentity(out.file, p.Prefix)
	if err != nil {
		found = append(found, bad(area, "identity: "+err.Error(), mendFile(err, identityMend)))
	} else {
		out.Signer, out.X5C, out.Kid, out.stamp, out.ends = id.key, id.x5c, id.kid, id.stamp, id.ends()
		found = append(found, id.check(area, now)...)
	}
	if p.Webhook != nil {
		var ends time.Time
		if out.Webhook, ends, err = p.Webhook.read(c.path(p.Webhook.SecretFile), now); err != nil {
			found = append(found, bad(area, "webhook: "+err.Error(), mendFile(err, "secret_file holds one whsec_… a line, newest first, mode 0600.")))
		}
		s.endsNext(ends)
		if !webAddress(p.Webhook.URL, c.InsecureLoopback) {
			found = append(found, bad(area, "webhook: its url is no https address", "Name the platform's public address."))
		}
	}
	for _, name := range p.Policies {
		loaded, err := readPolicyFile(c.path(name))
		if err != nil {
			found = append(found, bad(area, "policy "+name+": "+err.Error(), mendFile(err, "`facet policy lint "+name+"` says where.")))
			continue
		}
		out.Policies = append(out.Policies, loaded)
	}
	found = append(found, c.addTrust(s, &out, p.Trust, area)...)
	found = append(found, c.addRegistrations(&out, p.Registered, area, now)...)
	found = append(found, c.addAlso(&out, p, area)...)
	if len(p.Policies) == 0 {
		found = append(found, bad(area, "there is no policy, so nothing could be asked", "Add one to policies."))
	}
	found = append(found, s.addCallers(p, seen, area)...)
	s.platforms = append(s.platforms, out)
	return found
}

// addAlso reads the identities a platform's requests may have been begun with on
// other nodes, or before a restart.
func (c *verifierConfig) addAlso(out *platformSetup, p platformConfig, area string) (found []finding) {
	if len(p.Also) >= verifier.MaxIdentities {
		found = append(found, bad(area, fmt.Sprintf("also_identities has more than %d files", verifier.MaxIdentities-1), "Remove those whose requests are over: they last five minutes."))
	}
	for _, name := range p.Also {
		id, err := readIdentity(c.path(name), p.Prefix)
		if err != nil {
			found = append(found, bad(area, "also_identities: "+name+": "+err.Error(), identityMend))
			continue
		}
		out.Also = append(out.Also, verifier.Identity{Signer: id.key, X5C: id.x5c, Kid: id.kid, Registrations: out.Registrations})
	}
	return found
}

// endsNext notes when a secret ends, so that the setup is read again then.
func (s *verifierSetup) endsNext(at time.Time) {
	if !at.IsZero() && (s.source.next.IsZero() || at.Before(s.source.next)) {
		s.source.next = at
	}
}

// mendFile says what to do about a file that cannot be used: mend, unless it is
// not there at all.
func mendFile(err error, mend string) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "Put it there, or name another file; paths are relative to the configuration. " + mend
	}
	return mend
}

func readPolicyFile(name string) (*policy.Policy, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return lint.Load(text)
}
