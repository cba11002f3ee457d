package wallet

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"facet/credentials/claims"
	"facet/credentials/dcql"
	"facet/credentials/openid4vp"
	"facet/policy/hints"
	"facet/schemas"
)

// describe writes the page for a matched proposal; the caller holds w.mu.
func (w *Wallet) describe(p *proposal, result *dcql.Result) error {
	known, err := w.party(partyID(p.request.Party))
	if err != nil {
		return err
	}
	p.view = Proposal{
		ID: newID(), Asker: w.asker(p, known), Satisfiable: result.Satisfiable,
		Purpose: Purpose{Label: Text{}}, Question: questionOther,
		Required: []Item{}, Optional: []Item{}, Missing: w.missing(p, result),
		Registered: p.view.Registered,
	}
	if p.compiled != nil {
		w.describePolicy(p, known)
	} else {
		w.describeForeign(p, known, result)
	}
	p.view.Technical = plainDetails(p.technical())
	shown, err := p.preview(nil)
	if err != nil {
		return err
	}
	p.view.Preview, p.view.Identify = shown.Outcome, shown.Identify
	empty, err := p.selection(nil)
	if err != nil {
		return err
	}
	p.view.Digest, err = p.digest(empty)
	return err
}

func (w *Wallet) describePolicy(p *proposal, known *party) {
	pol := p.compiled.Policy
	p.view.Kind = KindPolicy
	p.view.LogMoved = known.movedLog(p.offer)
	p.view.CrossDevice = p.offer.Flow == openid4vp.FlowCrossDevice
	p.view.Question = complete(Text(pol.Question), "")
	p.view.Benefit = complete(Text(pol.Benefit), "")
	purpose, _ := schemas.PurposeByID(pol.Purpose)
	p.view.Purpose = Purpose{ID: pol.Purpose, Label: complete(purpose.Label, pol.Purpose)}
	p.view.Retention = Retention{ISO: pol.Retention, Seconds: int64(pol.Keep().Seconds()), Until: p.offer.RetentionUntil.Unix()}
	for _, rule := range pol.Hints {
		item := p.ruleItem(rule, known)
		if rule.Required {
			p.view.Required = append(p.view.Required, item)
		} else {
			p.view.Optional = append(p.view.Optional, item)
		}
	}
}

// ruleItem is one line of a policy: one hint. Its name is the asker's; what is
// sent for it is said in the wallet's own words, unless they are the same.
func (p *proposal) ruleItem(rule hints.Rule, known *party) Item {
	item := Item{
		Key: rule.Key, Name: complete(Text(rule.Label), rule.Key), Note: complete(Text(rule.With), ""),
		Without: complete(Text(rule.Without), ""), With: complete(Text(rule.With), ""), Paths: []string{},
	}
	var claimed []Text
	for _, ref := range rule.Refs() {
		query, vct := p.source(ref)
		if own := metadataOf(vct).label(ref.Path); !slices.ContainsFunc(claimed, func(t Text) bool { return maps.Equal(t, own) }) {
			claimed = append(claimed, own)
		}
		item.Paths = append(item.Paths, vct+" / "+schemas.PathName(ref.Path))
		item.IsNew = item.IsNew || known.isNew(vct, ref.Path)
		if h := p.matched[query]; h != nil {
			item.By = h.IssuerName
			_, has := valueAt(h.Claims, ref.Path)
			item.HasValue = item.HasValue || has
		} else if slices.Contains(mintable, vct) {
			item.By = BySelf
			_, has := valueAt(p.stated[vct], namesOf(ref.Path))
			item.HasValue = item.HasValue || has
		}
	}
	if own := join(claimed); !maps.Equal(own, item.Name) {
		item.Claims = own
	}
	return item
}

// source is the credential query a claim of a rule comes from, and its type.
func (p *proposal) source(ref hints.Ref) (query, vct string) {
	for id, q := range p.compiled.Queries {
		if q.Credential == ref.Credential && slices.ContainsFunc(q.Paths, ref.Path.Equal) {
			vct := q.VCTs[0]
			if h := p.matched[id]; h != nil {
				vct = h.VCT
			}
			return id, vct
		}
	}
	return "", ""
}

// describeForeign shows a request without a policy: what it asks for, claim by
// claim. Nothing is known of purpose, retention or outcome.
func (w *Wallet) describeForeign(p *proposal, known *party, result *dcql.Result) {
	p.view.Kind = KindForeign
	p.view.Benefit = Text{}
	p.requiredQueries, p.optionalQueries = chooseQueries(p.request.DCQL, result)
	for _, query := range p.requiredQueries {
		p.view.Required = append(p.view.Required, p.foreignItems(query, known)...)
	}
	for _, query := range p.optionalQueries {
		item := Item{Key: query, Paths: []string{}}
		for _, i := range p.foreignItems(query, known) {
			item.Name, item.By = joinNames(item.Name, i.Name), i.By
			item.IsNew, item.HasValue = item.IsNew || i.IsNew, item.HasValue || i.HasValue
			item.Paths = append(item.Paths, i.Paths...)
		}
		p.view.Optional = append(p.view.Optional, item)
	}
}

func joinNames(a, b Text) Text {
	if a == nil {
		return b
	}
	return join([]Text{a, b})
}

// chooseQueries sorts credential queries into those that must be answered and
// those that may be: of each set the first option that can be satisfied, else
// the first (DCQL §6.4.2).
func chooseQueries(q *dcql.Query, result *dcql.Result) (required, optional []string) {
	if len(q.CredentialSets) == 0 {
		for _, c := range q.Credentials {
			required = append(required, c.ID)
		}
		return required, nil
	}
	for i, set := range q.CredentialSets {
		option := set.Options[0]
		if found := result.Sets[i].Options; len(found) > 0 {
			option = found[0]
		} else if !set.IsRequired() {
			continue
		}
		for _, id := range option {
			if set.IsRequired() && !slices.Contains(required, id) {
				required = append(required, id)
			} else if !set.IsRequired() && !slices.Contains(optional, id) {
				optional = append(optional, id)
			}
		}
	}
	return required, slices.DeleteFunc(optional, func(id string) bool { return slices.Contains(required, id) })
}

func (p *proposal) foreignItems(query string, known *party) []Item {
	vct, by, set := "", "", claims.Set(nil)
	if h := p.matched[query]; h != nil {
		vct, by, set = h.VCT, h.IssuerName, h.Claims
	} else if minted, ok := p.minted[query]; ok {
		vct, by, set = minted, BySelf, p.stated[minted]
	} else if asked := p.request.DCQL.Credential(query); len(asked.Meta.VCTValues) > 0 {
		vct = asked.Meta.VCTValues[0]
	}
	m := metadataOf(vct)
	paths := p.paths[query]
	if len(paths) == 0 {
		return []Item{{Key: query, Name: m.title(), By: by, HasValue: set != nil, Paths: []string{vct}}}
	}
	items := make([]Item, 0, len(paths))
	for _, path := range paths {
		_, has := valueAt(set, path)
		items = append(items, Item{
			Key: itemKey(query, path), Name: m.label(path), By: by, HasValue: has,
			IsNew: known.isNew(vct, path), Paths: []string{vct + " / " + schemas.PathName(path)},
		})
	}
	return items
}

// missing says what required things are not held.
func (w *Wallet) missing(p *proposal, result *dcql.Result) []Missing {
	out := []Missing{}
	if result.Satisfiable {
		return out
	}
	required, _ := chooseQueries(p.request.DCQL, result)
	for _, id := range required {
		if len(result.Query(id).Candidates) > 0 {
			continue
		}
		vct := ""
		if vcts := p.request.DCQL.Credential(id).Meta.VCTValues; len(vcts) > 0 {
			vct = vcts[0]
		}
		out = append(out, Missing{Kind: kindOf(vct), Label: metadataOf(vct).title()})
	}
	return out
}

// technical is everything by its technical name, for the details.
func (p *proposal) technical() []Technical {
	out := []Technical{{"client_id", p.request.ClientID}}
	switch {
	case p.request.IsDigital():
		out = append(out, Technical{"origin", p.request.Origin()})
	case p.request.RedirectURI != "":
		out = append(out, Technical{"redirect_uri", p.request.RedirectURI})
	default:
		out = append(out, Technical{"response_uri", p.request.ResponseURI})
	}
	for _, q := range p.request.DCQL.Credentials {
		for _, c := range q.Claims {
			out = append(out, Technical{"claim", strings.Join(q.Meta.VCTValues, " | ") + " / " + c.Path.String()})
		}
	}
	if p.request.TransactionEntry() != "" {
		out = append(out, Technical{"transaction_data", schemas.PolicyTransaction})
	}
	if p.registered != nil {
		for _, v := range p.registered.By {
			out = append(out, Technical{"registration", fmt.Sprintf("%s · %s · %s", v.Subject, v.Registrar.ID, v.ExpiresAt.UTC().Format(time.DateOnly))})
			if words := registeredWords(v.Purpose)["en"]; words != "" {
				out = append(out, Technical{"registered for", words})
			}
		}
		for _, b := range p.registered.Beyond {
			out = append(out, Technical{"not registered", b.String()})
		}
	}
	if p.compiled == nil {
		return out
	}
	pol := p.compiled.Policy
	for _, rule := range pol.Hints {
		var from []string
		for _, ref := range rule.Refs() {
			from = append(from, ref.String())
		}
		out = append(out, Technical{"rule", rule.Key + " ← " + strings.Join(from, ", ")})
	}
	return append(out,
		Technical{"policy", fmt.Sprintf("%s · %d · %s · %s", pol.ID, pol.Version, pol.Purpose, pol.Retention)},
		Technical{"policy_sha256", pol.Hash()},
		Technical{"controller", pol.Controller.Name},
		Technical{"privacy_policy", pol.Controller.PrivacyPolicy},
		Technical{"log", p.offer.Log.Origin})
}
