package openid4vci

import (
	"encoding/json"
	"net/url"
	"strings"

	"facet/credentials/claims"
)

// Where metadata is found, inserted between host and path (§12.2.2, RFC 8414 §3.1).
const (
	WellKnownIssuer = "/.well-known/openid-credential-issuer"
	WellKnownServer = "/.well-known/oauth-authorization-server"
)

// IssuerMetadata says what an issuer issues and where (§12.2.4).
type IssuerMetadata struct {
	CredentialIssuer     string
	AuthorizationServers []string
	CredentialEndpoint   string
	NonceEndpoint        string // "" if proofs carry no nonce
	BatchSize            int    // most proofs in one request; 0 and 1 both mean one
	Display              []Display
	Configurations       map[string]Configuration
}

// Display is a name in one language.
type Display struct {
	Name   string `json:"name"`
	Locale string `json:"locale,omitempty"` // BCP 47
}

// A Configuration is one kind of credential an issuer offers.
type Configuration struct {
	Format         string               `json:"format"`
	Scope          string               `json:"scope,omitempty"`
	VCT            string               `json:"vct,omitempty"`
	BindingMethods []string             `json:"cryptographic_binding_methods_supported,omitempty"`
	SigningAlgs    []string             `json:"credential_signing_alg_values_supported,omitempty"`
	ProofTypes     map[string]ProofType `json:"proof_types_supported,omitempty"`
	Metadata       *CredentialMetadata  `json:"credential_metadata,omitempty"`
}

// A ProofType lists the algorithms accepted for one kind of key proof.
type ProofType struct {
	SigningAlgs []string `json:"proof_signing_alg_values_supported"`
}

// CredentialMetadata is how a credential wants to look and what it will hold.
type CredentialMetadata struct {
	Display []CredentialDisplay `json:"display,omitempty"`
	Claims  []ClaimDescription  `json:"claims,omitempty"`
}

// CredentialDisplay is the look of a credential in one language. Colours are
// CSS numbers; whoever shows them checks them.
type CredentialDisplay struct {
	Name            string `json:"name"`
	Locale          string `json:"locale,omitempty"`
	Description     string `json:"description,omitempty"`
	BackgroundColor string `json:"background_color,omitempty"`
	TextColor       string `json:"text_color,omitempty"`
}

// A ClaimDescription names one claim (Appendix B.2).
type ClaimDescription struct {
	Path      claims.Path `json:"path"`
	Mandatory bool        `json:"mandatory,omitempty"`
	Display   []Display   `json:"display,omitempty"`
}

// issuerMetadataJSON is the wire form.
type issuerMetadataJSON struct {
	CredentialIssuer     string                   `json:"credential_issuer"`
	AuthorizationServers []string                 `json:"authorization_servers,omitempty"`
	CredentialEndpoint   string                   `json:"credential_endpoint"`
	NonceEndpoint        string                   `json:"nonce_endpoint,omitempty"`
	Batch                *batchJSON               `json:"batch_credential_issuance,omitempty"`
	Display              []Display                `json:"display,omitempty"`
	Configurations       map[string]Configuration `json:"credential_configurations_supported"`
}

type batchJSON struct {
	Size int `json:"batch_size"`
}

// MarshalJSON writes the wire form.
func (m *IssuerMetadata) MarshalJSON() ([]byte, error) {
	w := issuerMetadataJSON{
		CredentialIssuer: m.CredentialIssuer, AuthorizationServers: m.AuthorizationServers,
		CredentialEndpoint: m.CredentialEndpoint, NonceEndpoint: m.NonceEndpoint,
		Display: m.Display, Configurations: m.Configurations,
	}
	if m.BatchSize > 1 {
		w.Batch = &batchJSON{m.BatchSize}
	}
	return json.Marshal(w)
}

// MetadataURL returns where an issuer's or server's metadata is found.
func MetadataURL(identifier, wellKnown string) (string, error) {
	u, err := url.Parse(identifier)
	if err != nil || u.Host == "" {
		return "", NewError("", "issuer_url_malformed", "issuer is not a URL")
	}
	u.Path, u.RawPath = wellKnown+strings.TrimSuffix(u.Path, "/"), ""
	return u.String(), nil
}

// checkIssuerURL holds an identifier to §12.2.1. Whether http is acceptable is
// the fetcher's decision.
func checkIssuerURL(identifier string) error {
	u, err := url.Parse(identifier)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" ||
		strings.ContainsAny(identifier, "?#") || len(identifier) > 1024 {
		return NewError("", "issuer_url_malformed", "issuer is not a URL without query and fragment")
	}
	return nil
}

// ParseIssuerMetadata reads issuer metadata that was fetched for this issuer.
// Configurations of other formats are kept; nobody will ask for them. Reasons:
// metadata_malformed; issuer_mismatch if it speaks for another issuer.
func ParseIssuerMetadata(text []byte, issuer string) (*IssuerMetadata, error) {
	o, err := parseObject(text, MaxMetadata)
	if err != nil {
		return nil, because("", "metadata_malformed", "metadata is not strict JSON", err)
	}
	m := &IssuerMetadata{
		CredentialIssuer:     o.text("credential_issuer"),
		AuthorizationServers: o.texts("authorization_servers"),
		CredentialEndpoint:   o.text("credential_endpoint"),
		NonceEndpoint:        o.text("nonce_endpoint"),
		BatchSize:            o.object("batch_credential_issuance").number("batch_size"),
		Display:              displays(o),
		Configurations:       map[string]Configuration{},
	}
	configurations := o.object("credential_configurations_supported")
	if len(configurations.members) > MaxConfigs {
		return nil, NewError("", "metadata_malformed", "too many configurations")
	}
	for id := range configurations.members {
		c, err := configuration(configurations.object(id))
		if err != nil {
			return nil, err
		}
		m.Configurations[id] = c
	}
	if *o.wrong != "" || m.CredentialEndpoint == "" || len(m.Configurations) == 0 {
		return nil, NewError("", "metadata_malformed", "a member is missing or has the wrong kind")
	}
	if m.CredentialIssuer != issuer {
		return nil, NewError("", "issuer_mismatch", "metadata speaks for another issuer")
	}
	return m, nil
}

func displays(o object) []Display {
	var list []Display
	for _, d := range o.objects("display") {
		list = append(list, Display{d.text("name"), d.text("locale")})
	}
	return list
}

func configuration(o object) (Configuration, error) {
	c := Configuration{
		Format: o.text("format"), Scope: o.text("scope"), VCT: o.text("vct"),
		BindingMethods: o.texts("cryptographic_binding_methods_supported"),
	}
	if c.Format != FormatSDJWT {
		return c, nil // other formats may write the rest differently, such as COSE algorithm numbers
	}
	c.SigningAlgs = o.texts("credential_signing_alg_values_supported")
	if proofs := o.object("proof_types_supported"); proofs.members != nil {
		c.ProofTypes = map[string]ProofType{}
		for name := range proofs.members {
			c.ProofTypes[name] = ProofType{proofs.object(name).texts("proof_signing_alg_values_supported")}
		}
	}
	m := o.object("credential_metadata")
	if m.members == nil {
		return c, nil
	}
	c.Metadata = &CredentialMetadata{}
	for _, d := range m.objects("display") {
		c.Metadata.Display = append(c.Metadata.Display, CredentialDisplay{
			Name: d.text("name"), Locale: d.text("locale"), Description: d.text("description"),
			BackgroundColor: d.text("background_color"), TextColor: d.text("text_color"),
		})
	}
	var err error
	c.Metadata.Claims, err = claimDescriptions(m)
	return c, err
}

// claimDescriptions aborts on a path that is described twice (Appendix B.3).
func claimDescriptions(m object) ([]ClaimDescription, error) {
	var list []ClaimDescription
	seen := map[string]bool{}
	for _, d := range m.objects("claims") {
		path, err := claims.NewPath(get[[]any](d, "path"))
		if err != nil {
			return nil, NewError("", "metadata_malformed", "a claims path is malformed")
		}
		if seen[path.String()] {
			return nil, NewError("", "metadata_malformed", "a claim is described twice")
		}
		seen[path.String()] = true
		list = append(list, ClaimDescription{path, get[bool](d, "mandatory"), displays(d)})
	}
	return list, nil
}

// ServerMetadata is what the flow needs of an authorization server (RFC 8414).
type ServerMetadata struct {
	Issuer                 string   `json:"issuer"`
	TokenEndpoint          string   `json:"token_endpoint"`
	GrantTypes             []string `json:"grant_types_supported,omitempty"`
	TokenAuthMethods       []string `json:"token_endpoint_auth_methods_supported,omitempty"`
	ResponseTypes          []string `json:"response_types_supported"`
	AnonymousPreAuthorized bool     `json:"pre-authorized_grant_anonymous_access_supported,omitempty"`
}

// ParseServerMetadata reads metadata that was fetched for this server. Reasons:
// metadata_malformed, issuer_mismatch.
func ParseServerMetadata(text []byte, server string) (*ServerMetadata, error) {
	o, err := parseObject(text, MaxMetadata)
	if err != nil {
		return nil, because("", "metadata_malformed", "metadata is not strict JSON", err)
	}
	m := &ServerMetadata{
		Issuer: o.text("issuer"), TokenEndpoint: o.text("token_endpoint"),
		GrantTypes: o.texts("grant_types_supported"), ResponseTypes: o.texts("response_types_supported"),
		TokenAuthMethods:       o.texts("token_endpoint_auth_methods_supported"),
		AnonymousPreAuthorized: get[bool](o, "pre-authorized_grant_anonymous_access_supported"),
	}
	if *o.wrong != "" || m.TokenEndpoint == "" {
		return nil, NewError("", "metadata_malformed", "a member is missing or has the wrong kind")
	}
	if m.Issuer != server {
		return nil, NewError("", "issuer_mismatch", "metadata speaks for another server")
	}
	return m, nil
}
