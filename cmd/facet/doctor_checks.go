package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"facet/credentials/openid4vp"
	"facet/policy"
	"facet/store/bolt"
	"facet/store/postgres"
	"facet/verifier"
)

// Bounds of what the doctor calls healthy.
const (
	clockNotable = 5 * time.Second // verifier.Skew is where it breaks
	lookTimeout  = 5 * time.Second
	spaceLow     = 1 << 30   // bytes
	spaceGone    = 100 << 20 // bytes
)

// A doctor looks at one configuration's surroundings.
type doctor struct {
	c      *verifierConfig
	s      verifierSetup
	now    func() time.Time
	client *http.Client
}

// newLocalClient follows no redirect and, if loopback is allowed, knows names
// below localhost, which most systems' resolvers do not.
func newLocalClient(loopback bool) *http.Client {
	dial := (&net.Dialer{Timeout: lookTimeout}).DialContext
	return &http.Client{
		Timeout:       lookTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if host, port, err := net.SplitHostPort(addr); err == nil && loopback && strings.HasSuffix(host, ".localhost") {
				addr = net.JoinHostPort("127.0.0.1", port)
			}
			return dial(ctx, network, addr)
		}},
	}
}

// keys looks at what each platform signs with, as a wallet would.
func (d *doctor) keys(ctx context.Context) (found []finding) {
	for _, p := range d.s.platforms {
		area := fmt.Sprintf("platform %q", p.ID)
		if p.Prefix == openid4vp.PrefixDID {
			found = append(found, d.did(ctx, area, p)...)
		} else if len(p.X5C) == 0 {
			continue // resolve has said why
		} else if err := checkOrder(p.X5C); err != nil {
			found = append(found, bad(area, "its certificate chain: "+err.Error(), "Order it leaf first, each signed by the next, without the anchor (HAIP 1.0 §5)."))
			continue
		} else {
			found = append(found, fine(area, "its key and certificate fit, until "+day(p.ends)))
		}
		found = append(found, d.registrations(ctx, area, p)...)
		for _, pol := range p.Policies { // the verifier compiles them when they are first used
			if _, err := policy.Compile(pol); err != nil {
				found = append(found, bad(area, "policy "+pol.ID+": "+err.Error(), "`facet policy lint` says where."))
			}
		}
		client, err := p.client()
		if d.s.trust == nil || err != nil {
			continue
		}
		if _, err := d.s.trust.Verifier(ctx, client.String(), p.X5C, d.now()); err != nil {
			found = append(found, warn(area, "the trust list does not know it as a verifier: wallets with this list will say so to holders", "Register it with whoever keeps the list."))
		}
	}
	return found
}

// checkOrder checks that each certificate is signed by the next and none is an
// anchor.
func checkOrder(x5c []string) error {
	var chain []*x509.Certificate
	for _, text := range x5c {
		der, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return err
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		if cert.CheckSignatureFrom(cert) == nil || cert.Issuer.String() == cert.Subject.String() {
			return fmt.Errorf("%q is signed by itself", cert.Subject)
		}
		chain = append(chain, cert)
	}
	for i := range len(chain) - 1 {
		if err := chain[i].CheckSignatureFrom(chain[i+1]); err != nil {
			return fmt.Errorf("%q is not signed by %q, which follows it", chain[i].Subject, chain[i+1].Subject)
		}
	}
	return nil
}

// dns looks up every host the configuration names.
func (d *doctor) dns(ctx context.Context) (found []finding) {
	seen := map[string]bool{}
	for _, raw := range append([]string{d.c.URL, d.c.Log}, d.wallets()...) {
		u, err := url.Parse(raw)
		if err != nil || u.Hostname() == "" || seen[u.Hostname()] || strings.HasSuffix(u.Hostname(), "localhost") {
			continue
		}
		seen[u.Hostname()] = true
		ctx, cancel := context.WithTimeout(ctx, lookTimeout)
		addrs, err := net.DefaultResolver.LookupHost(ctx, u.Hostname())
		cancel()
		if err != nil {
			found = append(found, bad("dns", u.Hostname()+" has no address", "Add it to the DNS, or correct its spelling in the configuration."))
			continue
		}
		found = append(found, fine("dns", u.Hostname()+" is "+strings.Join(addrs, ", ")))
	}
	return found
}

func (d *doctor) wallets() (urls []string) {
	for _, p := range d.c.Platforms {
		for _, w := range p.Wallets {
			urls = append(urls, w.URL)
		}
	}
	return urls
}

// clock compares this machine's with those of wallets' hosts.
func (d *doctor) clock(ctx context.Context) []finding {
	for _, raw := range append(d.wallets(), d.c.URL) {
		res, err := d.get(ctx, http.MethodHead, raw, nil)
		if err != nil {
			continue
		}
		theirs, err := http.ParseTime(res.Header.Get("Date"))
		if err != nil {
			continue
		}
		return []finding{d.skew("the host of "+raw, theirs)}
	}
	return []finding{warn("clock", "no host answered that could tell the time", "Check it yourself: signatures are refused when it is a minute off.")}
}

// skew judges the difference to somebody else's clock, whose Date header has
// whole seconds.
func (d *doctor) skew(whose string, theirs time.Time) finding {
	off := d.now().Sub(theirs).Abs().Truncate(time.Second)
	const mend = "Let the machine follow a time server (chrony, systemd-timesyncd)."
	switch {
	case off > verifier.Skew:
		return bad("clock", fmt.Sprintf("it is %v off from %s; wallets refuse requests from another time", off, whose), mend)
	case off > clockNotable:
		return warn("clock", fmt.Sprintf("it is %v off from %s", off, whose), mend)
	}
	return fine("clock", "it agrees with "+whose)
}

func (d *doctor) get(ctx context.Context, method, url string, header map[string]string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, err
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	res, err := d.client.Do(req)
	if err == nil {
		res.Body.Close()
	}
	return res, err
}

// store opens what is configured, without making or changing anything.
func (d *doctor) store(ctx context.Context) []finding {
	switch {
	case d.s.database != "":
		ctx, cancel := context.WithTimeout(ctx, lookTimeout)
		defer cancel()
		theirs, err := postgres.Check(ctx, d.s.database)
		if err != nil {
			return []finding{bad("store", err.Error(), "Check that PostgreSQL runs, accepts writes, and that address, user and password (PGPASSWORD) are right.")}
		}
		return []finding{fine("store", "PostgreSQL answers and takes writes"), d.skew("PostgreSQL", theirs)}
	case d.s.dir != "":
		return d.folder()
	}
	return nil
}

func (d *doctor) folder() []finding {
	if _, err := os.Stat(filepath.Join(d.s.dir, "FORMAT")); errors.Is(err, os.ErrNotExist) {
		return []finding{fine("store", d.s.dir+" is not in use yet and will be made")}
	}
	lock, err := bolt.DataDir(d.s.dir, "verifier")
	switch {
	case errors.Is(err, bolt.ErrLocked):
		err = nil // a verifier is running on it
	case err == nil:
		err = lock.Close()
	}
	if err != nil {
		return []finding{bad("store", err.Error(), "Name a folder of this verifier's own, writable by the user it runs as.")}
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(d.s.dir, &fs); err != nil {
		return []finding{bad("store", err.Error(), "Check the disk.")}
	}
	free := uint64(fs.Bavail) * uint64(fs.Bsize)
	text := fmt.Sprintf("%s is there, %d MiB free", d.s.dir, free>>20)
	const mend = "Make room: with a full disk nothing is accepted, though nothing is lost."
	switch {
	case free < spaceGone:
		return []finding{bad("store", text, mend)}
	case free < spaceLow:
		return []finding{warn("store", text, mend)}
	}
	return []finding{fine("store", text)}
}

// log looks at a log of another process; one in the folder is looked at where
// it is published.
func (d *doctor) log(ctx context.Context) []finding {
	if d.s.logURL == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if _, err := openRemoteLog(ctx, d.s); err != nil {
		return []finding{bad("log", d.s.logURL+": "+err.Error(), "Start `facet log serve --origin "+d.s.origin+"` there; its origin must be log_origin.")}
	}
	// A proof nobody could ask for: without the key it is 401, with it 404.
	res, err := d.get(ctx, http.MethodGet, d.s.logURL+"/proof/none", map[string]string{"Authorization": "Bearer " + d.s.logKey})
	if err != nil || res.StatusCode != http.StatusNotFound {
		return []finding{bad("log", d.s.logURL+" does not take the writer key", "Put the same FACET_LOG_KEY into both environments.")}
	}
	return []finding{fine("log", d.s.logURL+" answers and takes the writer key")}
}

// tlsError reports whether the other side was reached, but not believed.
func tlsError(err error) bool {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	return errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &invalid) || errors.As(err, &verification) || errors.As(err, &record)
}
