package wallet

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"facet/credentials/claims"
	"facet/schemas"
)

// Words the wallet adds to those of policies and schemas.
var (
	wordYes        = Text{"de": "Ja", "en": "Yes"}
	wordNo         = Text{"de": "Nein", "en": "No"}
	wordNotStated  = Text{"de": "Nicht angegeben", "en": "Not stated"}
	wordUnchanged  = Text{"de": "Wie für alle", "en": "As for everyone"}
	questionOther  = Text{"de": "Welche Angaben gibst du frei?", "en": "Which answers do you approve?"}
	kindAge        = Text{"de": "Altersgruppe", "en": "Age group"}
	kindMembership = Text{"de": "Abo", "en": "Subscription"}
)

// kindOf sorts a credential type into the kinds pages know.
func kindOf(vct string) string {
	switch vct {
	case schemas.Age:
		return KindAge
	case schemas.MediaMembership:
		return KindMembership
	case schemas.MediaPreferences, schemas.Today:
		return KindPreferences
	}
	return KindOther
}

// kindWords says what kind of thing was disclosed, never its value.
func kindWords(vct string, p claims.Path) Text {
	switch vct {
	case schemas.Age:
		return kindAge
	case schemas.MediaMembership:
		return kindMembership
	}
	return metadataOf(vct).label(p)
}

// valueWords says a claim's value in words.
func valueWords(p claims.Path, v any) Text {
	switch v := v.(type) {
	case bool:
		if v {
			return wordYes
		}
		return wordNo
	case string:
		return complete(schemas.ValueLabel(p, v), v)
	case json.Number:
		return complete(schemas.ValueLabel(p, v.String()), v.String())
	case []any:
		return listWords(p, v)
	case map[string]any:
		if from, to := v["from"], v["to"]; from != nil && to != nil { // a send window
			return join([]Text{listWords(p, anyList(v["days"])), complete(nil, fmt.Sprintf("%v–%v", from, to))})
		}
		b, err := claims.Canonical(v)
		if err != nil {
			return wordNotStated
		}
		return Text{"de": string(b), "en": string(b)}
	case nil:
		return wordNotStated
	}
	return complete(nil, fmt.Sprint(v))
}

func anyList(v any) []any {
	list, _ := v.([]any)
	return list
}

func listWords(p claims.Path, list []any) Text {
	if len(list) == 0 {
		return wordNotStated
	}
	words := make([]Text, 0, len(list))
	for _, e := range list {
		words = append(words, valueWords(p, e))
	}
	return join(words)
}

// join writes texts one after the other.
func join(words []Text) Text {
	var de, en []string
	for _, t := range words {
		de, en = append(de, t["de"]), append(en, t["en"])
	}
	return Text{"de": strings.Join(de, ", "), "en": strings.Join(en, ", ")}
}

func compareText(a, b Text) int {
	return cmp.Or(cmp.Compare(a["en"], b["en"]), cmp.Compare(a["de"], b["de"]))
}
