package schemas

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

var metadata = sync.OnceValue(func() map[string][]byte {
	m := map[string][]byte{}
	entries, err := files.ReadDir("types")
	if err != nil {
		panic("schemas: types: " + err.Error())
	}
	for _, e := range entries {
		b, err := files.ReadFile("types/" + e.Name())
		if err != nil {
			panic("schemas: " + e.Name() + ": " + err.Error())
		}
		var head struct {
			VCT string `json:"vct"`
		}
		if err := json.Unmarshal(b, &head); err != nil || head.VCT == "" {
			panic("schemas: " + e.Name() + ": no vct")
		}
		m[head.VCT] = b
	}
	return m
})

// TypeMetadata is the type metadata document of a vct (SD-JWT VC §5), a copy.
func TypeMetadata(vct string) ([]byte, bool) {
	b, ok := metadata()[vct]
	return slices.Clone(b), ok
}

// VCTs lists the embedded credential types, sorted.
func VCTs() []string {
	out := make([]string, 0, len(metadata()))
	for vct := range metadata() {
		out = append(out, vct)
	}
	slices.Sort(out)
	return out
}

// Document is an embedded JSON Schema by name, a copy: "entry.v1", "hint.v1",
// "policy.v1", "transaction-data-policy.v1", "trust-list.v1", "media-preferences.v1", "today.v1".
func Document(name string) ([]byte, bool) {
	if strings.Contains(name, "/") || !strings.HasSuffix(name, ".v1") {
		return nil, false
	}
	b, err := files.ReadFile(name + ".json")
	return b, err == nil
}
