package fetch

import (
	"net/netip"
	"net/url"
	"strings"
)

// CheckURL says whether a strict Client would try this URL, as far as the text
// shows: https, port 443, no user info, no fragment, no address spelled as a
// number. Callers use it to refuse a message early.
func CheckURL(raw string) error {
	_, err := (&Client{}).checkURL(raw)
	return err
}

func (c *Client) checkURL(raw string) (*url.URL, error) {
	if len(raw) > MaxURL {
		return nil, refuse(ReasonLimit, "URL is too long", nil)
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Opaque != "" || strings.ContainsFunc(raw, unprintable) {
		return nil, refuse(ReasonURL, "not an absolute URL", nil)
	}
	loopback := c.config.InsecureLoopback
	if u.Scheme != "https" && !(loopback && u.Scheme == "http") {
		return nil, refuse(ReasonURL, "scheme is not https", nil)
	}
	if u.User != nil || strings.Contains(raw, "#") {
		return nil, refuse(ReasonURL, "user info or fragment in the URL", nil)
	}
	if loopback {
		if !isLoopback(u.Hostname()) {
			return nil, refuse(ReasonBlocked, "only loopback can be reached here", nil)
		}
		return u, nil
	}
	if u.Port() != "" && u.Port() != "443" || strings.HasSuffix(u.Host, ":") {
		return nil, refuse(ReasonPort, "port is not 443", nil)
	}
	return u, checkHost(u.Hostname())
}

func unprintable(r rune) bool { return r <= ' ' || r == 0x7f || r == '\\' }

// checkHost refuses the spellings of an IPv4 address that only some resolvers
// understand: 2130706433, 0177.0.0.1, 0x7f.1. The WHATWG URL standard calls a
// host an address when its last label is a number.
func checkHost(host string) error {
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.Zone() != "" {
			return refuse(ReasonBlocked, "address with a zone", nil)
		}
		return checkLiteral(addr)
	}
	name := strings.TrimSuffix(host, ".")
	last := name[strings.LastIndexByte(name, '.')+1:]
	if last == "" || strings.Trim(last, "0123456789") == "" || strings.HasPrefix(strings.ToLower(last), "0x") {
		return refuse(ReasonBlocked, "address in an unusual spelling", nil)
	}
	return nil
}

func isLoopback(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
