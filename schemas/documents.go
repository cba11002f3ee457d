package schemas

// TypeMetadata is the SD-JWT VC type metadata of a vct as JSON.
func TypeMetadata(vct string) ([]byte, bool) { return nil, false }

// VCTs lists the embedded credential types.
func VCTs() []string { return nil }

// Document is an embedded JSON Schema by name: "entry.v1", "trust-list.v1",
// "hint.v1", "policy.v1", "media-preferences.v1", "today.v1".
func Document(name string) ([]byte, bool) { return nil, false }
