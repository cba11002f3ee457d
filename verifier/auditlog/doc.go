// Package auditlog writes the presentation log. It is the only door to Tessera,
// whose POSIX storage keeps the tree as C2SP tlog-tiles.
//
// One process owns a log's folder: a second one refuses to start. An entry is
// acknowledged when its place is fixed and on disk, in a journal, from where it
// gets into the tree within an interval (decision record 0033); a checkpoint is
// signed only after it was proven to extend the last one signed, which is kept
// apart from the tree, so that a lost or rolled back folder cannot make the log
// contradict itself.
//
// It does not know claims, presentations or transactions: it takes leaves that
// follow the entry schema of package audit and refuses all others. It does not
// delete: an entry is for good. It does not survive a full disk gracefully
// beyond never acknowledging what is not stored; if the operating system denies
// it the lock files it works with, Tessera panics and the next start recovers.
package auditlog
