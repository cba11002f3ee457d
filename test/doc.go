// Package test holds what needs more than one room: the house plan, the runner
// that ties hostile cases to tests, and, in its folders, the browser journey,
// the published vectors, interop, benchmarks and soak runs.
//
// It does not hold the tests of a single package; those stand beside it.
package test
