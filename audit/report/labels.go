package report

import (
	"encoding/json"

	"facet/schemas"
)

// claimLabel says in words what a path of the log names.
func claimLabel(path string) schemas.Text {
	var elems []any
	if json.Unmarshal([]byte(path), &elems) != nil {
		return schemas.Text{"de": path, "en": path}
	}
	return schemas.ClaimLabel(elems)
}
