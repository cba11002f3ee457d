// Package audit holds what a wallet, a platform and an auditor need to check
// the presentation log for themselves: the entries and their one canonical
// form, commitments, checkpoints, receipts, and the recomputation of a whole
// log from its published tiles. The log follows C2SP tlog-tiles,
// tlog-checkpoint, tlog-proof, tlog-cosignature and tlog-policy.
//
// An entry says what was asked, by whom, on which promise and with which
// outcome. It has no field that could hold a claim's value, a person, an
// address or a time finer than the hour; what was answered appears only as
// commitments whose keys the holder has, and which are deleted with the claims.
//
// The package is pure: it reads through a [Source], knows no clock, and
// compiles to js/wasm. It does not write logs (verifier/auditlog does), does
// not know policies or claims (audit/report and the verifier do), and an intact
// log does not prove that the operator logged everything: that is what the
// holders' receipts are for.
package audit
