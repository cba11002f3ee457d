package hints

import (
	"slices"

	"facet/schemas"
)

// adPurpose is the one purpose whose hints may reach an ad exchange.
const adPurpose = "ad-relevance"

// UserData is one element of OpenRTB 2.6 user.data: segments of one taxonomy.
// It carries no identifier of any kind, and has no field for one.
type UserData struct {
	Name    string      `json:"name"`
	Segment []Segment   `json:"segment"`
	Ext     UserDataExt `json:"ext"`
}

// Segment is one topic.
type Segment struct {
	ID string `json:"id"`
}

// UserDataExt names the segments' taxonomy.
type UserDataExt struct {
	SegTax int `json:"segtax"`
}

// OpenRTB encodes the topics its holder chose for ads, at a time (unix
// seconds). Only hints of the purpose ad-relevance made of the claim ads.topics
// leave, and none at all when another hint of the set says that the holder is
// under age or wants no ads by topic. Mood, context and everything else never
// leave this way.
func (s HintSet) OpenRTB(now int64) []UserData {
	var segments []Segment
	for _, h := range s {
		if h.Purpose != adPurpose {
			return nil
		}
		if h.Withheld || now >= h.Exp {
			continue
		}
		switch {
		case h.Value == false, h.reads("ads.tolerance") && !slices.Contains(topicWords, h.Value):
			return nil
		case h.reads("ads.topics"):
			for _, id := range texts(h.list()) {
				segments = append(segments, Segment{id})
			}
		}
	}
	if len(segments) == 0 {
		return nil
	}
	return []UserData{{Name: "declared", Segment: segments, Ext: UserDataExt{schemas.SegTax}}}
}

// topicWords are the hint values that admit ads by topic.
var topicWords = []any{"chosen-topics", "topics"}

func (h Hint) reads(name string) bool {
	return slices.ContainsFunc(h.DerivedFrom, func(s Source) bool { return schemas.PathName(s.Path) == name })
}

// list is a list value, also after it went through JSON.
func (h Hint) list() []string {
	switch v := h.Value.(type) {
	case []string:
		return v
	case []any:
		var out []string
		for _, e := range v {
			if s, ok := e.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}
