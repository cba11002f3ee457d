// Package e2e drives the product in a real browser: Chromium with a virtual
// authenticator whose passkeys have the PRF extension, against the real
// servers on this machine.
//
// It needs Chromium (FACET_CHROMIUM names one) and fails with a sentence when
// there is none. With FACET_LOOK set to a folder it leaves screenshots there.
package e2e
