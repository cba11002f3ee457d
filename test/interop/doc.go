// Package interop tries Facet against SD-JWT implementations that nobody here
// wrote: what we issue they must verify, what they issue we must verify, what
// either presents the other must accept, and what was tampered with both must
// refuse. README.md lists the peers and every difference found.
//
// It is a module of its own, so that the peers never enter Facet's. It does not
// test Facet for itself: that is done beside the code.
package interop
