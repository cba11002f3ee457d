package openid4vp

import "strings"

// A Prefix says how a client identifier is to be authenticated (§5.9.3).
type Prefix string

// The prefixes this package authenticates.
const (
	PrefixX509Hash    Prefix = "x509_hash"
	PrefixX509SANDNS  Prefix = "x509_san_dns"
	PrefixRedirectURI Prefix = "redirect_uri"
	PrefixDID         Prefix = "decentralized_identifier"

	prefixOrigin = "origin" // reserved: a wallet must not accept it in a request
)

// MaxClientID is the longest client identifier in bytes.
const MaxClientID = 1024

// A ClientID is a client identifier with its prefix taken apart. Compare,
// store and sign the full text of String, never ID alone (§14.10).
type ClientID struct {
	Prefix Prefix
	ID     string
}

func (c ClientID) String() string { return string(c.Prefix) + ":" + c.ID }

// ParseClientID splits a client identifier. Reasons: client_not_registered
// when there is no prefix, client_id_prefix_reserved for origin,
// client_id_prefix_unsupported for anything not spelled exactly like a prefix
// this package authenticates.
func ParseClientID(s string) (ClientID, error) {
	prefix, id, found := strings.Cut(s, ":")
	switch {
	case !found && strings.Contains(strings.ToLower(s), "%3a"):
		return ClientID{}, refuse("client_id_prefix_unsupported", "client_id is percent-encoded")
	case !found:
		return ClientID{}, refuse("client_not_registered", "client_id has no prefix")
	case prefix == prefixOrigin:
		return ClientID{}, refuse("client_id_prefix_reserved", "origin is reserved for the Digital Credentials API")
	case id == "" || len(s) > MaxClientID:
		return ClientID{}, refuse("client_id_malformed", "client_id has %d bytes", len(s))
	}
	switch p := Prefix(prefix); p {
	case PrefixX509Hash, PrefixX509SANDNS, PrefixRedirectURI, PrefixDID:
		return ClientID{Prefix: p, ID: id}, nil
	}
	return ClientID{}, refuse("client_id_prefix_unsupported", "client_id prefix is not supported")
}

// Signed reports whether requests of this client must be signed. Those of
// redirect_uri must not be (§5.9.3).
func (c ClientID) Signed() bool { return c.Prefix != PrefixRedirectURI }
