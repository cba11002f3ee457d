package mutation

const (
	inAuthenticate = "credentials/openid4vp/authenticate.go"
	inParams       = "credentials/openid4vp/parse.go"
	inClientID     = "credentials/openid4vp/clientid.go"
	inTransport    = "credentials/openid4vp/transport.go"
	asked          = "credentials/openid4vp.Test(RequestsRefused|WhoAsks|Transport)"

	inIssuer  = "issuer"
	hostile   = "examples/issuer.TestHostileWallets"
	keyProofs = "credentials/openid4vci.Test(Proof|EncryptedResponsesAreRefused)"
)

// requestMutations are about what a wallet believes of a request, before
// anything is shown or sent.
var requestMutations = []mutation{
	{ids("WREQ-001"), asked, []edit{{inAuthenticate, `return nil, &Error{Code: CodeInvalidRequest, reason: "jar_signature_invalid", err: err}`, "return nil, err"}}},
	{ids("WREQ-001"), asked, []edit{never(inVerify, "!pub.verify(t.signed, t.signature)")}},
	{ids("WREQ-003"), asked, []edit{never(inAuthenticate, `m["client_id"] != e.ClientID`)}},
	{ids("WREQ-004 WREQ-006"), asked, []edit{{inClientID, `return ClientID{}, refuse("client_id_prefix_unsupported", "client_id prefix is not supported")`, "return ClientID{Prefix: Prefix(prefix), ID: id}, nil"}}},
	{ids("WREQ-005"), asked, []edit{{inClientID, `return ClientID{}, refuse("client_not_registered", "client_id has no prefix")`, "return ClientID{ID: s}, nil"}}},
	{ids("WREQ-007"), asked, []edit{never(inAuthenticate, "!client.Signed()")}},
	{ids("WREQ-007"), asked, []edit{{"credentials/openid4vp/authorize.go", `case p.RequestURI == "" && id.Signed(), p.RequestURI != "" && !id.Signed():`, "case false:"}}},
	{ids("WREQ-008"), asked, []edit{{inAuthenticate, "case r.Client.Prefix == PrefixRedirectURI && target != r.Client.ID,\n\t\tr.Client", "case r.Client"}}},
	{ids("WREQ-009"), asked, []edit{{inAuthenticate, "target != r.Client.ID,\n\t\tr.Client.Prefix == PrefixX509SANDNS && to.Hostname() != r.Client.ID:", "target != r.Client.ID:"}}},
	{ids("WREQ-010"), asked, []edit{{inClientID, "case prefix == prefixOrigin:", "case false:"}}},
	{ids("WREQ-012"), asked, []edit{{inParams, "case len(r.Nonce) < MinNonce || !urlSafe(r.Nonce):", "case false:"}}},
	{ids("WREQ-015 WREQ-016"), asked, []edit{{inTransport, "case status >= 300 && status < 400:", "case false:"}}},
	{ids("WREQ-017"), asked, []edit{never(inTransport, "r == nil || r.Party == nil || r.to == nil")}},
	{ids("WREQ-018"), asked, []edit{{inAuthenticate, `got, _ := m["wallet_nonce"].(string); got != e.WalletNonce {`, `got, _ := m["wallet_nonce"].(string); false && got != e.WalletNonce {`}}},
	{ids("WREQ-019"), asked, []edit{{"credentials/openid4vp/authorize.go", `v.Has("request_uri_method") && m != "get" && m != "post" {`, `false && m != "get" {`}}},
	{ids("WREQ-021"), asked, []edit{{inParams, `return nil, &Error{Code: CodeInvalidRequest, reason: "dcql_malformed", err: err}`, "return nil, nil"}}},
	{ids("WREQ-024"), asked, []edit{never("credentials/openid4vp/response.go", `len(r.ClientMetadata.Keys) == 0 || enc == ""`)}},
	{ids("WREQ-031"), asked, []edit{{inAuthenticate, "case !r.ExpiresAt.IsZero() && now.After(r.ExpiresAt.Add(Leeway)):", "case false:"}}},
}

// issuanceMutations are about what an issuer's endpoints give to whom.
var issuanceMutations = []mutation{
	{ids("VCI-001"), hostile, []edit{{inIssuer, "case c.Used:", "case false:"}}},
	{ids("VCI-003"), hostile, []edit{{inIssuer, "case expired(c.Expires, i.config.Now()):", "case false:"}}},
	{ids("VCI-004"), hostile, []edit{{inIssuer, "	c.Tries++\n", "	c.Tries = TxCodeTries\n"}}},
	{ids("VCI-004 VCI-005"), hostile, []edit{{inIssuer, "[]byte(c.TxHash)) == 1 {", "[]byte(c.TxHash)) == 1 || true {"}}},
	{ids("VCI-005"), hostile, []edit{{inIssuer, "case c.Tries >= TxCodeTries:", "case false:"}}},
	{ids("VCI-007"), hostile, []edit{{inIssuer, "if errors.Is(err, store.ErrConflict) {\n\t\treturn openid4vci.NewError(openid4vci.CodeInvalidNonce", "if errors.Is(err, store.ErrConflict) {\n\t\treturn nil\n\t}\n\tif false {\n\t\treturn openid4vci.NewError(openid4vci.CodeInvalidNonce"}}},
	{ids("VCI-012"), hostile, []edit{{"credentials/openid4vci/proof.go", "jose.Rule{Typ: []string{TypProof},", `jose.Rule{Typ: []string{TypProof, "JWT"},`}}},
	{ids("VCI-013"), hostile, []edit{never("credentials/openid4vci/proof.go", `there != (r.ClientID != "") || there && iss != r.ClientID`)}},
	{ids("VCI-013"), keyProofs, []edit{never("credentials/openid4vci/proof.go", `there != (r.ClientID != "") || there && iss != r.ClientID`)}},
	{ids("VCI-014"), hostile, []edit{{inIssuer, "return nil, unknownConfiguration()\n\t}\n\tif len(r.JWTProofs())", "c = i.config.Configurations[\"age\"]\n\t}\n\tif len(r.JWTProofs())"}}},
	{ids("VCI-015"), hostile, []edit{{inIssuer, `if r.Identifier != "" {`, `if false && r.Identifier != "" {`}}},
	{ids("VCI-019"), hostile, []edit{never(inIssuer, "len(r.JWTProofs()) > i.config.Batch")}},
}
