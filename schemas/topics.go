package schemas

import "sync"

// A Topic is one node of the IAB Content Taxonomy 3.1 without what touches
// special categories of personal data (GDPR art. 9 and 10).
type Topic struct {
	ID     string
	Parent string // "" at the top
	Name   Text
}

// SegTax is the taxonomy's number in OpenRTB (AdCOM category taxonomies).
const SegTax = 9

var topicRows = load[[][]string]("topics.json") // [id, parent, en] or [id, parent, en, de]

var topicIndex = sync.OnceValue(func() map[string]Topic {
	m := make(map[string]Topic, len(topicRows()))
	for _, t := range Topics() {
		m[t.ID] = t
	}
	return m
})

// Topics lists every topic, parents before children.
func Topics() []Topic {
	out := make([]Topic, 0, len(topicRows()))
	for _, r := range topicRows() {
		t := Topic{ID: r[0], Parent: r[1], Name: Text{"en": r[2], "de": r[2]}}
		if len(r) > 3 {
			t.Name["de"] = r[3]
		}
		out = append(out, t)
	}
	return out
}

// TopicByID finds one topic.
func TopicByID(id string) (Topic, bool) {
	t, ok := topicIndex()[id]
	return t, ok
}
