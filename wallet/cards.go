package wallet

import (
	"cmp"
	"context"
	"slices"

	"facet/schemas"
)

// recentRows is how many rows of history Home shows.
const recentRows = 3

// Home gathers the first page.
func (w *Wallet) Home(ctx context.Context) (Home, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	today, err := w.today()
	if err != nil {
		return Home{}, err
	}
	cards, err := w.cards()
	if err != nil {
		return Home{}, err
	}
	deeds, err := w.deeds()
	if err != nil {
		return Home{}, err
	}
	trust, err := w.trustNote()
	if err != nil {
		return Home{}, err
	}
	h := Home{Trust: trust, Waiting: w.waiting(), Today: today, Cards: cards, Recent: []HistoryRow{}}
	for _, d := range deeds[:min(len(deeds), recentRows)] {
		h.Recent = append(h.Recent, w.row(d))
	}
	h.HasPreferences = slices.ContainsFunc(cards, func(c Card) bool { return c.Self })
	return h, nil
}

// cards lists what is held, most useful first; the caller holds w.mu.
func (w *Wallet) cards() ([]Card, error) {
	holdings, err := all[held](w, recCredential)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(holdings, func(a, b *held) int {
		return cmp.Or(cmp.Compare(b.Received, a.Received), cmp.Compare(a.ID, b.ID))
	})
	cards := make([]Card, 0, len(holdings)+1)
	for _, h := range holdings {
		cards = append(cards, w.card(h))
	}
	held, err := w.holds(schemas.MediaPreferences)
	if err != nil {
		return nil, err
	}
	if len(held) > 0 {
		cards = append(cards, preferencesCard())
	}
	return cards, nil
}

func (w *Wallet) card(h *held) Card {
	m := metadataOf(h.VCT)
	c := Card{
		ID: h.ID, Kind: kindOf(h.VCT), Title: h.Title, Issuer: h.IssuerName,
		CopiesLeft: len(h.Copies), State: CardValid,
	}
	c.Color, c.TextColor = m.colours()
	if h.Expires != 0 {
		c.ValidUntil = &h.Expires
	}
	if w.expired(h) {
		c.State = CardExpired
	}
	return c
}

func (w *Wallet) expired(h *held) bool { return h.Expires != 0 && w.cfg.Now().Unix() >= h.Expires }

// usable reports whether h can still be presented.
func (w *Wallet) usable(h *held) bool { return len(h.Copies) > 0 && !w.expired(h) }

func preferencesCard() Card {
	m := metadataOf(schemas.MediaPreferences)
	c := Card{ID: KindPreferences, Kind: KindPreferences, Title: m.title(), State: CardValid, Self: true}
	c.Color, c.TextColor = m.colours()
	return c
}

// Topics lists the topics one can like or avoid, in a language; parents come
// before their children.
func (w *Wallet) Topics(_ context.Context, lang string) []Topic {
	all := schemas.Topics()
	below := map[string]int{}
	for _, t := range all {
		below[t.Parent]++
	}
	out := make([]Topic, 0, len(all))
	for _, t := range all {
		out = append(out, Topic{ID: t.ID, Parent: t.Parent, Name: topicName(t, lang), N: below[t.ID]})
	}
	return out
}

func topicName(t schemas.Topic, lang string) string {
	return cmp.Or(t.Name[lang], t.Name["en"], t.ID)
}
