package mutation

const (
	inAudit     = "audit"
	inAuditLog  = "verifier/auditlog"
	auditors    = "verifier/auditlog.Test(VerifyFindsTheBadEntry|Monitor|ReceiptRefuses|Erasure|AppendOnce|DiskFull|OneWriter|Clock|Lost)"
	entrySchema = "audit.Test(SchemaHoldsNoPerson|Guessing)"
)

// logMutations are about what a log's keeper can do to it, and what may not get
// into it.
var logMutations = []mutation{
	{ids("LOG-001"), auditors, []edit{{inAudit, "case v.leaves[i] == want:", "case v.leaves[i] == want || true:"}}},
	{ids("LOG-002"), auditors, []edit{{inAudit, "case i+1 < len(published) && v.leaves[i] == published[i+1]:", "case false:"}}},
	{ids("LOG-002"), auditors, []edit{never(inAudit, "root(build(published), len(published)) != v.report.Checkpoint.tree.Hash"), never(inAudit, "!intact && v.report.OK()")}},
	{ids("LOG-004"), auditors, []edit{never(inAudit, "intact && h != mine[first+int64(i)]")}},
	{ids("LOG-005"), auditors, []edit{never(inAudit, "tlog.CheckTree(path, later.tree.N, later.tree.Hash, earlier.tree.N, earlier.tree.Hash) != nil")}},
	{ids("LOG-006"), auditors, []edit{{inAudit, "case later.tree.N == earlier.tree.N && later.tree.Hash != earlier.tree.Hash:", "case false:"}}},
	{ids("LOG-006"), auditors, []edit{never(inAudit, "one.origin != two.origin || one.tree.N != two.tree.N || one.tree.Hash == two.tree.Hash")}},
	{ids("LOG-007"), auditors, []edit{{inAudit, "case later.tree.N < earlier.tree.N:", "case false:"}}},
	{ids("LOG-008"), auditors, []edit{never(inAudit, "!ok || !signedBy(n, log.verifier)")}},
	{ids("LOG-008"), auditors, []edit{{inAudit, `len(lines) != 4 || lines[0] == "" || lines[3] != ""`, `len(lines) < 4 || lines[0] == ""`}}},
	{ids("LOG-009"), auditors, []edit{{inAudit, "case age > m.MaxAge:", "case false:"}}},
	{ids("LOG-009"), auditors, []edit{{inAudit, "case c.signed.IsZero():", "case false:"}, {inAudit, "case age > m.MaxAge:", "case age > m.MaxAge && !c.signed.IsZero():"}}},
	{ids("LOG-010"), auditors, []edit{never(inAudit, "tlog.CheckRecord(p.path, c.tree.N, c.tree.Hash, p.index, tlog.RecordHash(leaf)) != nil")}},
	{ids("LOG-010"), auditors, []edit{{inAudit, "|| strconv.FormatInt(n, 10) != s", ""}}},
	{ids("LOG-011"), auditors, []edit{never(inAudit, "t.quorum != noQuorum && !t.met(t.quorum, seen)")}},
	{ids("LOG-013"), entrySchema, []edit{ // an unknown member is refused twice: by the decoder and because writing it again would lose it
		{inAudit, "d := json.NewDecoder(bytes.NewReader(leaf))\n\td.DisallowUnknownFields()", "d := json.NewDecoder(bytes.NewReader(leaf))"}, never(inAudit, "!bytes.Equal(again, leaf)")}},
	{ids("LOG-013"), entrySchema, []edit{{inAudit, "!isPath(p) || slices.Contains(paths[:i], p)", "slices.Contains(paths[:i], p)"}}},
	{ids("LOG-015"), auditors, []edit{{inAuditLog, "place, ok := l.index.places[id]; ok {", "place, ok := l.index.places[id]; false && ok {"}}},
	{ids("LOG-016"), auditors, []edit{{inAudit, "if !ok || !have || s.Index < 0", "if !ok || !have && false || s.Index < 0"}, {inAudit, "h := hmac.New(sha256.New, k[:])\n\th.Write(value)", "h := hmac.New(sha256.New, nil)\n\th.Write(value)"}}},
	{ids("LOG-017"), entrySchema, []edit{{inAudit, "h := hmac.New(sha256.New, k[:])\n\th.Write(value)", "h := hmac.New(sha256.New, nil)\n\th.Write(value)"}}},
	{ids("LOG-019"), entrySchema, []edit{{inAudit, "case h.Hour.Time().IsZero():", "case false:"}}},
	{ids("LOG-021"), auditors, []edit{{inAuditLog, "f.place, f.err = first+uint64(i), err; err == nil {", "f.place, f.err = first+uint64(i), nil; true {"}}},
	{ids("LOG-022"), auditors, []edit{{inAuditLog, "syscall.LOCK_EX|syscall.LOCK_NB); err != nil {", "syscall.LOCK_EX|syscall.LOCK_NB); false && err != nil {"}}},
	{ids("LOG-023"), auditors, []edit{never(inAudit, "h.Hour.Time().Before(v.hour.Time().Add(-time.Hour))")}},
	{ids("LOG-023"), auditors, []edit{{inAuditLog, "t := c.now(); t.After(c.last) {", "t := c.now(); true {"}}},
	{ids("LOG-024"), auditors, []edit{{inAuditLog, "case errors.Is(err, fs.ErrNotExist):\n\t\treturn ErrLost", "case errors.Is(err, fs.ErrNotExist):\n\t\treturn nil"}, {inAuditLog, "err == nil && size < g.size() {", "false && size < g.size() {"}}},
	{ids("LOG-026"), "verifier.TestLogDown", []edit{{inVerifier, "index, err := v.appendLeaf(ctx, v.ids.entry(audit.KindResult, t.ID), t.Leaf)\n\t\tif err != nil {", "index, err := v.appendLeaf(ctx, v.ids.entry(audit.KindResult, t.ID), t.Leaf)\n\t\tif err != nil && false {"}}},
	{ids("LOG-026"), "verifier.TestLogDown", []edit{{inVerifier, `return 0, unavailable("append "+string(id)+" to the log", err)`, "return 0, nil"}}},
}
