package mutation

const (
	inChain = "credentials/jose/chain.go"
	inCRL   = "credentials/jose/crl.go"

	hostileChains = "credentials/jose.TestHostileChains"
)

// lastWord is the standard library's own look at a chain, which stands behind
// some checks with the same reason.
var lastWord = edit{inChain, `return &Error{"cert_untrusted", "chain breaks a constraint", err}`, "return nil"}

var chainMutations = []mutation{
	{ids("X509-001 X509-003"), hostileChains, []edit{never(inChain, "r.Now.After(c.NotAfter)")}},
	{ids("X509-002"), hostileChains, []edit{never(inChain, "r.Now.Before(c.NotBefore)")}},
	{ids("X509-005"), hostileChains, []edit{{inChain, "a != nil && signedBy(last, a)", "a != nil && (signedBy(last, a) || true)"}, lastWord}},
	{ids("X509-006"), hostileChains, []edit{never(inChain, "!signedBy(certs[i], certs[i+1])")}},
	{ids("X509-007"), hostileChains, []edit{never(inChain, "slices.ContainsFunc(r.Anchors, c.Equal)")}},
	{ids("X509-007"), hostileChains, []edit{never(inChain, "signedBy(c, c)")}},
	{ids("X509-008"), hostileChains, []edit{never(inChain, "!c.BasicConstraintsValid || !c.IsCA")}},
	{ids("X509-008"), hostileChains, []edit{never(inChain, "(c.MaxPathLen > 0 || c.MaxPathLenZero) && i > c.MaxPathLen")}},
	{ids("X509-009"), hostileChains, []edit{never(inChain, "leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 || leaf.KeyUsage&x509.KeyUsageCertSign != 0 || leaf.IsCA")}},
	{ids("X509-009"), hostileChains, []edit{never(inChain, "c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0")}},
	{ids("X509-010"), hostileChains, []edit{passes(inChain, `return refuse("cert_eku", "leaf is for any purpose")`)}},
	{ids("X509-010"), hostileChains, []edit{never(inChain, "named == 0 && len(leaf.ExtKeyUsage) > 0")}},
	{ids("X509-011"), hostileChains, []edit{never(inChain, "!slices.ContainsFunc(leaf.UnknownExtKeyUsage, r.EKU.Equal)")}},
	{ids("X509-012 X509-015"), hostileChains, []edit{passes(inChain, `return refuse("cert_san_mismatch", "leaf is for another name")`)}},
	{ids("X509-013"), hostileChains, []edit{never(inChain, "len(names) == 0")}},
	{ids("X509-014"), hostileChains, []edit{never(inChain, `slices.Contains(names, "*."+parent)`)}},
	{ids("X509-017"), hostileChains, []edit{never(inChain, "key.N.BitLen() < 2048")}},
	{ids("X509-017"), hostileChains, []edit{never(inChain, "key.Curve == elliptic.P224()")}},
	{ids("X509-017"), hostileChains, []edit{never(inChain, "!slices.Contains(strongSignatures, c.SignatureAlgorithm)")}},
	{ids("X509-018"), hostileChains, []edit{never(inChain, "len(x5c) > MaxChain")}},
	{ids("X509-018"), hostileChains, []edit{never(inChain, "names > MaxNames || constraints > MaxNames")}},
	{ids("X509-019"), hostileChains, []edit{never(inChain, `strings.ContainsAny(encoded, "\r\n")`)}},
	{ids("X509-019"), hostileChains, []edit{{inChain, `return nil, refuse("cert_malformed", "not base64 of DER")`, "return base64.RawURLEncoding.DecodeString(encoded)"}}},
	{ids("X509-022"), hostileChains, []edit{never(inCRL, "revoked.SerialNumber.Cmp(c.SerialNumber) == 0")}},
	{ids("X509-022"), hostileChains, []edit{never(inCRL, "r.Now.Before(l.ThisUpdate) || !l.NextUpdate.IsZero() && r.Now.After(l.NextUpdate)")}},
	{ids("X509-023"), hostileChains, []edit{passes(inChain, `return refuse("cert_malformed", "kind of key")`)}},
	{ids("X509-023"), hostileChains, []edit{{inChain, `return nil, &Error{"cert_malformed", "not a certificate", err}`, "c = &x509.Certificate{Raw: der}"},
		passes(inChain, `return refuse("cert_malformed", "kind of key")`)}},
	{ids("X509-020"), "credentials.TestVerifyRejects", []edit{never("credentials/trust.go", `q.Iss != "" && !e.is(q.Iss, chain.Leaf)`)}},
}
