package wallet

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"

	"facet/credentials/claims"
	"facet/policy/hints"
)

// Preview computes what the asker's own rules make of the chosen answers, how
// identifying they are, and the digest Present wants for exactly these choices.
// Nothing is sent.
func (w *Wallet) Preview(_ context.Context, proposalID string, choices []string) (Previewed, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, err := w.proposal(proposalID)
	if err != nil {
		return Previewed{}, err
	}
	return p.preview(choices)
}

func (p *proposal) preview(choices []string) (Previewed, error) {
	s, err := p.selection(choices)
	if err != nil {
		return Previewed{}, err
	}
	outcome, err := p.outcome(s)
	if err != nil {
		return Previewed{}, err
	}
	digest, err := p.digest(s)
	if err != nil {
		return Previewed{}, err
	}
	return Previewed{Outcome: outcome, Identify: identify(s.shown()), Sends: p.labels(s), Digest: digest}, nil
}

// outcome derives the hints twice: for the choices and for none of them, so
// that a line can say whether it changed.
func (p *proposal) outcome(s *selection) (Outcome, error) {
	out := Outcome{Lines: []OutcomeLine{}}
	if p.compiled == nil {
		return out, nil
	}
	none, err := p.selection(nil)
	if err != nil {
		return out, err
	}
	before, err := p.derive(none)
	if err != nil {
		return out, err
	}
	after, err := p.derive(s)
	if err != nil {
		return out, err
	}
	for i, rule := range p.compiled.Policy.Hints {
		out.Lines = append(out.Lines, OutcomeLine{
			Key:     rule.Key,
			Label:   complete(Text(rule.Label), rule.Key),
			Value:   outcomeWords(&rule, after[i]),
			Changed: after[i].Withheld != before[i].Withheld || !sameValue(after[i].Value, before[i].Value),
		})
	}
	return out, nil
}

// outcomeWords says one hint in words; of a withheld one, what the policy
// promises instead.
func outcomeWords(rule *hints.Rule, h hints.Hint) Text {
	switch {
	case !h.Withheld:
		return complete(Text(rule.ValueText(h.Value)), "")
	case len(h.Without) > 0:
		return complete(Text(h.Without), "")
	case h.Default != nil:
		return complete(Text(rule.ValueText(h.Default)), "")
	}
	return wordUnchanged
}

func sameValue(a, b any) bool {
	x, errA := json.Marshal(a)
	y, errB := json.Marshal(b)
	return errA == nil && errB == nil && string(x) == string(y)
}

// digest commits to the page as shown and the choices made on it. The
// proposal's id is 128 random bits, so the digest gives nothing away to someone
// who guesses the choices.
func (p *proposal) digest(s *selection) (string, error) {
	page := p.view
	page.Digest = ""
	choices := slices.Sorted(slices.Values(s.choices))
	b, err := json.Marshal(struct {
		V       string   `json:"v"`
		Page    Proposal `json:"page"`
		Nonce   string   `json:"nonce"`
		Choices []string `json:"choices"`
	}{"facet-consent/1", page, p.request.Nonce, choices})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

// labels say what kinds of things the selection sends, each once, in the
// wallet's own words: what the asker calls them is its business.
func (p *proposal) labels(s *selection) []Labelled {
	out := []Labelled{}
	for _, v := range s.shown() {
		label := kindWords(v.VCT, v.Path)
		if p.compiled != nil {
			label = metadataOf(v.VCT).label(v.Path)
		}
		neutral := p.compiled != nil && v.Self && !says(v.Path, v.Value)
		if !neutral && !slices.ContainsFunc(out, func(l Labelled) bool { return maps.Equal(l.Label, label) }) {
			out = append(out, Labelled{Label: label})
		}
	}
	return out
}

// feeds reports whether a disclosed value is one the rule reads.
func (p *proposal) feeds(v shown, rule hints.Rule) bool {
	credential := p.compiled.Queries[v.Query].Credential
	return slices.ContainsFunc(rule.Refs(), func(r hints.Ref) bool {
		return r.Credential == credential && r.Path.Equal(namesOf(v.Path))
	})
}

// Reveal says one item's value in words: exactly what would be sent if it were
// chosen. A page asks for it when the holder taps, not before.
func (w *Wallet) Reveal(_ context.Context, proposalID, key string) (Revealed, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, err := w.proposal(proposalID)
	if err != nil {
		return Revealed{}, err
	}
	values, err := p.valuesOf(key)
	if err != nil {
		return Revealed{}, err
	}
	words := make([]Text, 0, len(values))
	for _, v := range values {
		words = append(words, valueWords(v.Path, v.Value))
	}
	if len(words) == 0 {
		return Revealed{Text: wordNotStated}, nil
	}
	return Revealed{Text: join(words)}, nil
}

// valuesOf lists the values behind one item that say something.
func (p *proposal) valuesOf(key string) ([]shown, error) {
	choices := []string{}
	if slices.ContainsFunc(p.view.Optional, func(i Item) bool { return i.Key == key }) {
		choices = append(choices, key)
	} else if !slices.ContainsFunc(p.view.Required, func(i Item) bool { return i.Key == key }) {
		return nil, failf(CodeChoice, "no such item")
	}
	s, err := p.selection(choices)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(s.shown(), func(v shown) bool { return !p.behind(v, key) || v.Self && !says(v.Path, v.Value) }), nil
}

// behind reports whether a disclosed value belongs to the item with that key.
func (p *proposal) behind(v shown, key string) bool {
	if p.compiled == nil {
		return itemKey(v.Query, v.Path) == key || v.Query == key
	}
	i := slices.IndexFunc(p.compiled.Policy.Hints, func(r hints.Rule) bool { return r.Key == key })
	return i >= 0 && p.feeds(v, p.compiled.Policy.Hints[i])
}

// itemKey names the item of one claim of a request without a policy.
func itemKey(query string, p claims.Path) string { return query + " " + p.String() }
