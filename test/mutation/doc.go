// Package mutation proves that each hostile case holds its check: it takes one
// check at a time out of the sources, through the go command's -overlay and
// never in the tree, and demands that the test named by the case's id fails.
//
// The whole table runs under FACET_SOAK (make soak). Otherwise a handful runs,
// and what the table quotes is looked for in the sources, so that a check
// cannot move away from its mutation unnoticed.
package mutation
