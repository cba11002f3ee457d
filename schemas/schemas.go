// Package schemas is the JSON everybody agrees on, embedded: credential type
// metadata, JSON Schemas, the closed list of purposes, topics, the words for
// every value, and how common values are.
//
// Files are read once, at first use; a file that does not parse is a fault of
// this package, met by its tests, and panics. It does not validate instances
// against schemas and knows no credential, key or network. Where the data comes
// from is in SOURCE.md.
package schemas

import (
	"embed"
	"encoding/json"
	"fmt"
	"sync"
)

//go:embed *.json types/*.json
var files embed.FS

// Credential types (vct) Facet knows.
const (
	Age              = "urn:facet:age:1"
	MediaMembership  = "urn:facet:media-membership:1"
	MediaPreferences = "urn:facet:media-preferences:1"
	Today            = "urn:facet:today:1"
	ResidenceRegion  = "urn:facet:residence-region:1"
	Accessibility    = "urn:facet:accessibility-settings:1"
)

// PolicyTransaction is the one type of transaction data Facet sends and takes
// (document "transaction-data-policy.v1").
const PolicyTransaction = "urn:facet:transaction-data:policy:1"

// NoPreference is what a self-asserted enumerated claim says when its holder
// says nothing; for lists it is [], for time_budget_min 0.
const NoPreference = "no-preference"

// Text is one label by language: "de" and "en".
type Text = map[string]string

// load reads one embedded file into v. Panics are caught by the tests of this
// package, which load every file.
func load[T any](name string) func() T {
	return sync.OnceValue(func() T {
		var v T
		b, err := files.ReadFile(name)
		if err == nil {
			err = json.Unmarshal(b, &v)
		}
		if err != nil {
			panic(fmt.Sprintf("schemas: %s: %v", name, err))
		}
		return v
	})
}
