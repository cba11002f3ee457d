package wallet

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/openid4vp"
)

// MaxName is the longest name of an asker that is shown, in characters.
const MaxName = 64

// asker is who asks, in the trust list's words. client_metadata is never read.
func (w *Wallet) asker(p *proposal, known *party) Asker {
	who := p.request.Party
	name, odd := plainName(who.Name)
	host := plainHost(who.Domain)
	a := Asker{Name: name, Domain: host, Verified: true, Register: complete(who.Register, ""), Suspicious: odd || host != strings.ToLower(who.Domain)}
	if known != nil {
		a.KnownSince = &known.KnownSince
	}
	return a
}

// partyID is what an asker is remembered by, over changes of its certificate.
func partyID(p *credentials.Party) string { return cmp.Or(p.ID, p.Name) }

// party reads what is remembered of an asker; nil when it never was answered.
// The caller holds w.mu.
func (w *Wallet) party(id string) (*party, error) {
	var known party
	ok, err := w.get(recParty, id, &known)
	if err != nil || !ok {
		return nil, err
	}
	return &known, nil
}

// met remembers that the holder answered, and what had been asked.
func (w *Wallet) met(p *proposal) error {
	id := partyID(p.request.Party)
	known, err := w.party(id)
	if err != nil {
		return err
	}
	if known == nil {
		known = &party{KnownSince: w.cfg.Now().Unix()}
	}
	if p.offer != nil {
		known.Log = logOf(p.offer)
	}
	known.Asked = known.Asked[:0]
	for _, q := range p.request.DCQL.Credentials {
		for _, c := range q.Claims {
			for _, vct := range q.Meta.VCTValues {
				known.Asked = append(known.Asked, askedKey(vct, c.Path))
			}
		}
	}
	return w.put(recParty, id, known)
}

// isNew reports whether a party that is known did not ask for this claim the
// last time. Of a stranger everything is new, so nothing is marked.
func (k *party) isNew(vct string, p claims.Path) bool {
	return k != nil && !slices.Contains(k.Asked, askedKey(vct, p))
}

// logOf names a log by what receipts are checked with.
func logOf(o *openid4vp.VerifiedOffer) string { return o.Log.Origin + " " + o.Log.Key }

// movedLog reports whether a party that is known writes into another log than
// the last time: whoever audits one of them does not see all.
func (k *party) movedLog(o *openid4vp.VerifiedOffer) bool {
	return k != nil && k.Log != "" && k.Log != logOf(o)
}

func askedKey(vct string, p claims.Path) string { return vct + " " + p.String() }

// plainName is a certified name as it may be shown: without characters that
// cannot be seen or turn the writing direction, and not endless. odd says that
// something was taken away, or that the letters are of several scripts and the
// name could be meant to be read as another (UTS #39).
func plainName(name string) (shown string, odd bool) {
	var b strings.Builder
	n := 0
	for _, r := range name {
		if !unicode.IsGraphic(r) || r == unicode.ReplacementChar || n == MaxName {
			odd = true
			continue
		}
		b.WriteRune(r)
		n++
	}
	return b.String(), odd || mixed(name)
}

// graphic leaves out characters that cannot be seen or turn the writing
// direction.
func graphic(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, s)
}

// plainDetails are details as they may be shown: askers, and strangers, wrote
// them.
func plainDetails(list []Technical) []Technical {
	for i := range list {
		list[i].Value = graphic(list[i].Value)
	}
	return list
}

// mixed reports letters of more than one script in one word.
func mixed(name string) bool {
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
		scripts := 0
		for _, table := range []*unicode.RangeTable{unicode.Latin, unicode.Cyrillic, unicode.Greek, unicode.Armenian, unicode.Cherokee} {
			if strings.ContainsFunc(word, func(r rune) bool { return unicode.Is(table, r) }) {
				scripts++
			}
		}
		if scripts > 1 {
			return true
		}
	}
	return false
}

// plainHost is a host name as it may be shown: lower case ASCII, as on the
// wire (international names in their xn-- form). Anything else is not shown.
func plainHost(host string) string {
	host = strings.ToLower(host)
	if len(host) > 253 || strings.ContainsFunc(host, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == ':')
	}) {
		return ""
	}
	return host
}
