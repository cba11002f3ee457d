// Package report turns the entries of a verified log into what an auditor asks
// for: figures, and findings where the log contradicts its own promises. It
// compiles every published policy again and compares the query with what each
// request says was asked.
//
// It takes entries as [audit.Verify] hands them out and trusts that they are
// the log's; it verifies no hash and no signature. It cannot see what was
// granted among optional claims, nor why no answer came: the log does not hold
// either, on purpose. Times are full hours, so a promise of seconds can only be
// checked to the hour.
package report
