package server

import (
	"os"
	"runtime/debug"
)

// GCPercent is how much garbage may gather, in percent of what is in use,
// before it is collected. A verifier keeps little and allocates some 300 kB an
// exchange: with Go's 100 an exchange takes 4.8 times its ECDSA operations,
// with 400 it takes 4.4, for a heap of up to five times what is in use.
const GCPercent = 400

// PaceGC sets GCPercent for the whole process, unless its GOGC is set: for the
// edge that starts it, never for who embeds a Server.
func PaceGC() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(GCPercent)
	}
}
