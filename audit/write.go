package audit

import (
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// A writer writes the entries that every presentation has straight in canonical
// form (RFC 8785): members in order, strings minimally escaped. With package
// json and a second pass that puts it in order, it took three times as long. The
// entries were validated, so every string is UTF-8.
type writer []byte

func (w *writer) member(name string) {
	if n := len(*w); (*w)[n-1] != '{' {
		*w = append(*w, ',')
	}
	w.string(name)
	*w = append(*w, ':')
}

func (w *writer) string(s string) {
	*w, _ = jsontext.AppendQuote(*w, s) // fails on what is not UTF-8 only
}

func (w *writer) text(name, value string) {
	w.member(name)
	w.string(value)
}

func (w *writer) number(name string, n uint64) {
	w.member(name)
	*w = strconv.AppendUint(*w, n, 10)
}

func (w *writer) strings(list []string) {
	*w = append(*w, '[')
	for i, s := range list {
		if i > 0 {
			*w = append(*w, ',')
		}
		w.string(s)
	}
	*w = append(*w, ']')
}

func (w *writer) begin() { *w = append(*w, '{') }
func (w *writer) end()   { *w = append(*w, '}') }

// The members of Asked and Head stand apart from one another: the caller writes
// its own between them.

func (w *writer) head(h Head, flow Flow) {
	w.text("flow", string(flow))
	w.text("hour", string(h.Hour))
	w.text("id", string(h.ID))
	w.text("kind", string(h.Kind))
}

func (w *writer) asked(a Asked) {
	w.member("paths")
	w.begin()
	for _, query := range sortedKeys(a.Paths) {
		w.member(query)
		w.strings(a.Paths[query])
	}
	w.end()
	w.text("platform", a.Platform)
	w.member("policy")
	w.begin()
	w.text("id", a.Policy.ID)
	w.text("sha256", a.Policy.SHA256)
	w.number("version", uint64(a.Policy.Version))
	w.end()
	w.text("purpose", a.Purpose)
}

func (r *Request) write() []byte {
	w := make(writer, 0, 1024)
	w.begin()
	w.head(r.Head, r.Flow)
	w.asked(r.Asked)
	w.text("retention", r.Retention)
	w.number("v", uint64(r.V))
	w.end()
	return slices.Clip(w)
}

func (r *Result) write() []byte {
	w := make(writer, 0, 1536)
	w.begin()
	if r.Check != "" {
		w.text("check", r.Check)
	}
	if len(r.Commitments) > 0 {
		w.member("commitments")
		w.begin()
		for _, query := range sortedKeys(r.Commitments) {
			w.member(query)
			w.commitments(r.Commitments[query])
		}
		w.end()
	}
	if r.Consent != nil {
		w.member("consent")
		w.commitment(*r.Consent)
	}
	w.head(r.Head, r.Flow)
	w.text("outcome", string(r.Outcome))
	w.asked(r.Asked)
	w.number("ref", r.Ref)
	w.text("retention", r.Retention)
	w.number("v", uint64(r.V))
	w.end()
	return slices.Clip(w)
}

func (w *writer) commitments(list []Commitment) {
	*w = append(*w, '[')
	for i, c := range list {
		if i > 0 {
			*w = append(*w, ',')
		}
		w.commitment(c)
	}
	*w = append(*w, ']')
}

func (w *writer) commitment(c Commitment) {
	*w = append(*w, '"')
	*w, _ = c.AppendText(*w) // never fails
	*w = append(*w, '"')
}
