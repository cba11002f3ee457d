package mutation

const (
	inProcess    = "credentials/sdjwt/process.go"
	inDisclosure = "credentials/sdjwt/disclosure.go"
	inSDJWT      = "credentials/sdjwt/sdjwt.go"
	inHash       = "credentials/sdjwt/hash.go"

	rejects = "credentials/sdjwt.TestRejects"
	accepts = "credentials/sdjwt.TestAccepts"
)

var sdjwtMutations = []mutation{
	{ids("SDJWT-001"), rejects, []edit{never(inVerify, "!pub.verify(t.signed, t.signature)")}},
	{ids("SDJWT-003 SDJWT-004"), rejects, []edit{never(inProcess, "i >= len(p.used) || p.used[i]")}},
	{ids("SDJWT-005"), rejects, []edit{{inProcess, "added := p.seen.add(d); !added {", "added := p.seen.add(d); false && !added {"}}},
	{ids("SDJWT-006 SDJWT-007"), rejects, []edit{never(inProcess, "!p.disclosures[i].Referenced")}},
	{ids("SDJWT-008 SDJWT-009 SDJWT-010"), rejects, []edit{{inProcess, "case reserved(d.Name):", "case false:"}}},
	{ids("SDJWT-010"), rejects, []edit{{inProcess, `return nil, fail("sdjwt_claim_name_forbidden", "_sd_alg below the top level")`, "continue"}}},
	{ids("SDJWT-012"), rejects, []edit{{inProcess, "_, taken := out[d.Name]; taken {", "_, taken := out[d.Name]; false && taken {"}}},
	{ids("SDJWT-020"), rejects, []edit{never(inDisclosure, "len(parts) != 2 && len(parts) != 3")}},
	{ids("SDJWT-020"), rejects, []edit{{inProcess, "case d.ArrayElement:", "case false:"}}},
	{ids("SDJWT-020"), rejects, []edit{never(inProcess, "!d.ArrayElement")}},
	{ids("SDJWT-024"), rejects, []edit{{inDisclosure, "d.Salt, ok = parts[0].(string); !ok {", "d.Salt, ok = parts[0].(string); false && !ok {"}}},
	{ids("SDJWT-024"), rejects, []edit{{inDisclosure, "d.Name, ok = parts[1].(string); !ok {", "d.Name, ok = parts[1].(string); false && !ok {"}}},
	{ids("SDJWT-025 SDJWT-026"), rejects, []edit{never(inProcess, `!ok || s == "" || len(placeholder) != 1`)}},
	{ids("SDJWT-025"), rejects, []edit{{inProcess, ` || len(placeholder) != 1`, ""}}},
	{ids("SDJWT-026"), rejects, []edit{{inProcess, "return nil, fail(\"sdjwt_array_placeholder_malformed\", `\"...\" outside an array`)", "continue"}}},
	{ids("SDJWT-027"), rejects, []edit{never(inProcess, "hides && !ok")}},
	{ids("SDJWT-027"), rejects, []edit{never(inProcess, `!ok || s == ""`)}},
	{ids("SDJWT-029"), rejects, []edit{{inHash, `return "", fail("sdjwt_hash_unsupported", "_sd_alg is not one of %v", Hashes)`, "return DefaultHash, nil"}}},
	{ids("SDJWT-032"), rejects, []edit{{inSDJWT, `if !found || jwt == "" {`, `if !found && false || jwt == "" {`}}},
	{ids("SDJWT-032"), rejects, []edit{never(inSDJWT, `strings.Count(rest, ".") != 2`)}},
	{ids("SDJWT-033"), rejects, []edit{never(inSDJWT, `sd.disclosures[i] == ""`)}},
	{ids("SDJWT-033"), rejects, []edit{{inSDJWT, `if !found || jwt == "" {`, `if !found {`}}},
	// Two rows are about what must be accepted: here the mutation refuses it.
	{ids("SDJWT-044"), accepts, []edit{{inDisclosure, `return name == "_sd"`, `return name == "__proto__" || name == "_sd"`}}},
	{ids("SDJWT-045"), accepts, []edit{{inProcess, "	out := make(map[string]any, len(in)+", "	delete(in, \"_sd\")\n	out := make(map[string]any, len(in)+"}}},
}

const (
	inCredential = "credentials/verify.go"
	inBatch      = "credentials/issue.go"
	inTypes      = "credentials/typemetadata_resolve.go"

	verifyRejects = "credentials.TestVerifyRejects"
	received      = "credentials.TestVerifyReceived"
)

var credentialMutations = []mutation{
	{ids("SDJWT-013 SDJWT-015 SDJWT-016 SDJWT-019"), verifyRejects, []edit{never(inCredential, "ok && slices.Contains(notDisclosable, name)")}},
	{ids("SDJWT-016 SDJWT-019"), verifyRejects, []edit{never(inCredential, "hides(payload[name])")}},
	{ids("SDJWT-037"), verifyRejects, []edit{never(inCredential, "!r.Now.Before(exp.Add(r.Leeway))")}},
	{ids("SDJWT-038"), verifyRejects, []edit{never(inCredential, "present && r.Now.Before(nbf.Add(-r.Leeway))")}},
	{ids("SDJWT-039"), verifyRejects, []edit{{inCredential, "case r.RequireExpiry:", "case false:"}}},
	{ids("SDJWT-041"), verifyRejects, []edit{{inCredential, "typ := []string{Type}", `typ := []string{Type, "JWT", LegacyType}`}}},
	{ids("SDJWT-042"), verifyRejects, []edit{never(inCredential, `r.Audience == "" || !slices.Contains(named, r.Audience)`)}},
	{ids("SDJWT-050"), received, []edit{never(inCredential, `sd.KeyBinding() != ""`)}},
	{ids("SDJWT-051"), received, []edit{never(inCredential, "holder == nil || !c.holder.Equal(holder)")}},
	{ids("SDJWT-053"), received, []edit{never(inBatch, "met && first != n")}},
	{ids("SDJWT-053"), received, []edit{{inBatch, `marks = append(marks, "key "+c.holder.Thumbprint())`, "_ = c.holder"}}},
	{ids("SDJWT-053"), received, []edit{{inBatch, `marks = append(marks, "status "+c.status.URI+" "+strconv.FormatUint(c.status.Index, 10))`, "_ = strconv.Itoa"}}},
	{ids("SDJWT-053"), received, []edit{{inBatch, "		marks = appendDigests(marks, c.verified.SDJWT().Issuer().UnverifiedClaims())\n", ""}}},
	{ids("SSRF-030"), "credentials.TestVerifyWithMetadata", []edit{passes(inTypes, `return fail("vct_integrity", "the document is not the one the digest was made of")`)}},
}
