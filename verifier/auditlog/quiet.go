package auditlog

import (
	"io"
	"sync"

	"k8s.io/klog/v2"
)

// quiet keeps Tessera's diary (two lines at every start) off standard error,
// which belongs to the program; what it calls an error still goes there. klog
// has one setting for the whole process.
var quiet = sync.OnceFunc(func() {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
})
