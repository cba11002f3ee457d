package wallet

import (
	"context"
	"maps"
	"slices"
	"strings"

	"facet/credentials"
	"facet/credentials/openid4vp"
	"facet/schemas"
)

// Registered is what a register says about the request of an asker.
type Registered struct {
	By      string `json:"by"`      // the registrar's name
	Purpose Text   `json:"purpose"` // in the words that were registered; may be empty
	Beyond  []Text `json:"beyond"`  // kinds of things asked for, and a purpose, that were not registered
}

// maxRegisteredWords is how much of a registered purpose is shown, in characters.
const maxRegisteredWords = 300

// entitled looks at the registration certificates of a request. A request beyond
// what was registered is stopped if the trust list says so for the register, and
// shown as such otherwise. Reason overasking, and those of
// openid4vp.Request.Registrations.
func (w *Wallet) entitled(ctx context.Context, r *openid4vp.Request, offer *openid4vp.VerifiedOffer) (*openid4vp.Registered, *Registered, error) {
	purpose := ""
	if offer != nil {
		purpose = offer.Policy.Purpose
	}
	found, err := r.Registrations(ctx, w.cfg.Registrars, purpose)
	if found == nil || err != nil {
		return nil, nil, err
	}
	shown := &Registered{By: registrarName(found.By[0].Registrar), Purpose: registeredWords(found.By[0].Purpose), Beyond: []Text{}}
	for _, b := range found.Beyond {
		words := metadataOf(b.Type).title()
		if b.Path != nil {
			words = metadataOf(b.Type).label(b.Path)
		}
		shown.add(words)
	}
	if found.Purpose != "" {
		known, _ := schemas.PurposeByID(found.Purpose)
		shown.add(complete(known.Label, found.Purpose))
	}
	if len(shown.Beyond) > 0 && found.Stops() {
		return nil, nil, failf(CodeOverasking, "the request goes beyond what the asker registered")
	}
	return found, shown, nil
}

// add notes one kind of thing, once.
func (r *Registered) add(words Text) {
	if !slices.ContainsFunc(r.Beyond, func(t Text) bool { return maps.Equal(t, words) }) {
		r.Beyond = append(r.Beyond, words)
	}
}

func registrarName(r *credentials.Registrar) string {
	name, _ := plainName(r.Name)
	return name
}

// registeredWords are a registrar's words as they may be shown.
func registeredWords(purpose map[string]string) Text {
	out := Text{}
	for _, language := range slices.Sorted(maps.Keys(purpose)) {
		tag, _, _ := strings.Cut(strings.ToLower(language), "-")
		if (tag == "de" || tag == "en") && out[tag] == "" {
			out[tag] = plainWords(purpose[language])
		}
	}
	return complete(out, "")
}

func plainWords(s string) string {
	out := []rune(graphic(s))
	return string(out[:min(len(out), maxRegisteredWords)])
}
