package mutation

const (
	inToken  = "credentials/jose/token.go"
	inVerify = "credentials/jose/verify.go"
	inJSON   = "credentials/jose/json.go"
	inJOSE   = "credentials/jose/jose.go"
	inJWE    = "credentials/jose/jwe.go"
	inKey    = "credentials/jose/key.go"

	hostileSignatures = "credentials/jose.TestHostileSignatures"
	hostileEncryption = "credentials/jose.TestHostileEncryption"
)

var joseMutations = []mutation{
	{ids("JOSE-001 JOSE-002 JOSE-003"), hostileSignatures, []edit{
		never(inToken, "!slices.Contains(allowed, alg) || !slices.Contains(asymmetric, alg)")}},
	{ids("JOSE-001 JOSE-003"), hostileSignatures, []edit{{inToken, " || !slices.Contains(asymmetric, alg)", ""}}},
	{ids("JOSE-004"), hostileSignatures, []edit{never(inVerify, "t.header.Alg != pub.Alg()")}},
	{ids("JOSE-005"), hostileSignatures, []edit{{inToken, `"alg": "jose_alg_not_allowed", "crit"`, `"crit"`}}},
	{ids("JOSE-006 JOSE-008"), hostileSignatures, []edit{
		passes(inToken, `return refuse("jose_crit_unsupported", "critical header extension")`)}},
	{ids("JOSE-007"), hostileSignatures, []edit{never(inToken, "!ok || len(names) == 0")}},
	{ids("JOSE-007"), hostileSignatures, []edit{never(inToken, "!ok || !there || seen[name] || slices.Contains(registered, name)")}},
	{ids("JOSE-008"), hostileSignatures, []edit{{inToken, `_, there := members["b64"]; there {`, `_, there := members["b64"]; false && there {`}}},
	{ids("JOSE-010"), hostileSignatures, []edit{{inToken, "_, ok := members[name]; ok {", "_, ok := members[name]; false && ok {"}}},
	{ids("JOSE-011"), hostileSignatures, []edit{never(inToken, `!ok || kid == "" || len(kid) > MaxKid || strings.ContainsFunc(kid, isControl)`)}},
	{ids("JOSE-011"), hostileSignatures, []edit{{inKey, `if kid != "" && k.kid == kid {`, "if true {"}}},
	{ids("JOSE-012"), hostileSignatures, []edit{{inJSON, "r.d.Reset(&r.in)", "r.d.Reset(&r.in, jsontext.AllowDuplicateNames(true))"}}},
	{ids("JOSE-014"), hostileSignatures, []edit{never(inJSON, "folds && caseCollision(object)")}},
	{ids("JOSE-015"), hostileSignatures, []edit{{inJOSE, "AppendDecode(dst, []byte(s))", `AppendDecode(dst, []byte(strings.TrimRight(s, "=")))`}}},
	{ids("JOSE-016"), hostileSignatures, []edit{never(inJOSE, `strings.IndexByte(s, '\n') >= 0 || strings.IndexByte(s, '\r') >= 0`)}},
	{ids("JOSE-017"), hostileSignatures, []edit{{inJOSE, "base64.RawURLEncoding.Strict()", "base64.RawURLEncoding"}}},
	{ids("JOSE-019"), hostileSignatures, []edit{never(inToken, "len(encoded) > MaxHeader")}},
	{ids("JOSE-019"), hostileSignatures, []edit{never(inToken, "len(compact) > r.MaxSize")}},
	{ids("JOSE-020"), hostileSignatures, []edit{never(inJSON, "func (r *reader) object() (any, error) {\n\tif r.d.StackDepth() > r.maxDepth").after("object() (any, error) {\n\tif ")}},
	{ids("JOSE-020"), hostileSignatures, []edit{never(inJSON, "func (r *reader) array() (any, error) {\n\tif r.d.StackDepth() > r.maxDepth").after("array() (any, error) {\n\tif ")}},
	{ids("JOSE-022"), hostileSignatures, []edit{never(inToken, `!ok || strings.Contains(signature, ".")`)}},
	{ids("JOSE-022"), hostileSignatures, []edit{{inJWE, `_, there := members["enc"]; !there {`, `_, there := members["enc"]; false && !there {`}}},
	{ids("JOSE-023"), hostileSignatures, []edit{{inToken, `_, nested := members["cty"]; nested {`, `_, nested := members["cty"]; false && nested {`}}},
	{ids("JOSE-024"), hostileSignatures, []edit{never(inToken, `there && (!ok || typ == "") || !slices.Contains(r.Typ, typ)`)}},
	{ids("JOSE-026"), hostileSignatures, []edit{never(inVerify, "!(seconds >= minDate && seconds <= maxDate)")}},
	{ids("JOSE-030 JOSE-031"), hostileEncryption, []edit{{inJWE, `_, there := members["zip"]; there {`, `_, there := members["zip"]; false && there {`}}},
	{ids("JOSE-032 JOSE-033"), hostileEncryption, []edit{never(inJWE, `members["alg"] != "ECDH-ES"`)}},
	{ids("JOSE-034"), hostileEncryption, []edit{never(inJWE, `err != nil || epk.crv != "P-256"`)}},
	{ids("JOSE-035"), hostileEncryption, []edit{never(inJWE, `(enc != A128GCM && enc != A256GCM) || !slices.Contains(encs, enc)`)}},
	{ids("JOSE-035"), hostileEncryption, []edit{{inJWE, "if err != nil {\n\t\treturn nil, refuse(ReasonDecrypt", "if false {\n\t\treturn nil, refuse(ReasonDecrypt"}}},
	{ids("JOSE-036"), hostileEncryption, []edit{never(inJWE, "len(encoded) != len(p)")}},
	{ids("JOSE-036"), hostileEncryption, []edit{ // the library refuses most of these itself, by an error of ours
		never(inJWE, "size >= 0 && len(b) != size || size < 0 && len(b) == 0"),
		{inJWE, "if err != nil {\n\t\treturn nil, refuse(ReasonDecrypt", "if false {\n\t\treturn nil, refuse(ReasonDecrypt"}}},
}
