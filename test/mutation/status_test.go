package mutation

const (
	inList    = "credentials/statuslist/list.go"
	inTSL     = "credentials/statuslist/token.go"
	inChecker = "credentials/statuslist/checker.go"

	checkRejects = "credentials/statuslist.TestCheckRejects"
	comesLast    = "credentials.TestStatusComesLast"
)

var statusMutations = []mutation{
	{ids("TSL-001"), checkRejects, []edit{passes(inChecker, `return fail("credential_revoked", "the credential was revoked")`)}},
	{ids("TSL-003"), checkRejects, []edit{never(inList, "func (l *List) Get(i uint64) (Status, error) {\n\tif i >= l.Len()").after("(Status, error) {\n\tif ")}},
	{ids("TSL-005"), checkRejects, []edit{never(inList, "l.size > MaxInflated")}},
	{ids("TSL-006"), checkRejects, []edit{never(inList, "in.Len() != 0")}},
	{ids("TSL-006"), checkRejects, []edit{never(inList, "l.size == 0")}},
	{ids("TSL-006"), checkRejects, []edit{never(inList, "!errors.Is(err, io.EOF) && !isShort(z, err)")}},
	{ids("TSL-007"), checkRejects, []edit{never(inChecker, "t.subject != q.URI")}},
	{ids("TSL-008"), "credentials/statuslist.TestListOfAnotherIssuer", []edit{never(inChecker, "issuer != q.Issuer")}},
	{ids("TSL-009"), checkRejects, []edit{never(inTSL, "t.issued.After(now.Add(leeway))")}},
	{ids("TSL-009"), checkRejects, []edit{never(inTSL, "!t.expires.IsZero() && !now.Before(t.expires.Add(leeway))")}},
	{ids("TSL-009"), checkRejects, []edit{never(inTSL, "err != nil || seconds <= 0 || seconds > int64(MaxTTL/time.Second)")}},
	{ids("TSL-012"), comesLast, []edit{{inCredential, "r.checkKeyBinding, r.checkStatus, r.checkMetadata", "r.checkStatus, r.checkKeyBinding, r.checkMetadata"}}},
	{ids("TSL-013"), checkRejects, []edit{{inChecker, `case "content_type":`, `case "":`}}},
	{ids("TSL-013"), checkRejects, []edit{{inChecker, `return nil, wrap("status_malformed", "what came is not a status list token", err)`, "return nil, err"}}},
	{ids("TSL-014"), comesLast, []edit{{inCredential, "r.checkKeyBinding, r.checkStatus, r.checkMetadata", "r.checkKeyBinding, r.checkMetadata"}}},
}
