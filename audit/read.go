package audit

import (
	"bytes"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// A reader reads what a writer wrote, and nothing else: the same members in the
// same order. Once something is amiss, all that follows is empty. What it read is
// validated and written again, so it need not be strict about values.
type reader struct {
	rest  []byte
	first bool // no member of this object was read
	amiss bool
}

// readCanonical reads a leaf of a kind that every presentation has. It returns
// nil for everything else, malformed or not: Parse says what that is.
func readCanonical(leaf []byte) Entry {
	r := &reader{rest: leaf}
	var e Entry
	var again []byte
	switch {
	case bytes.Contains(leaf, []byte(`"kind":"request"`)):
		request := r.request()
		e, again = request, request.write()
	case bytes.Contains(leaf, []byte(`"kind":"result"`)):
		result := r.result()
		e, again = result, result.write()
	}
	if e == nil || r.amiss || len(r.rest) > 0 || !bytes.Equal(again, leaf) || validate(e) != nil {
		return nil
	}
	return e
}

func (r *reader) request() *Request {
	e := new(Request)
	r.begin()
	r.head(&e.Head, &e.Asked)
	r.asked(&e.Asked)
	e.Retention = r.text("retention")
	e.V = int(r.number("v", math.MaxInt32))
	r.end()
	if e.Kind != KindRequest {
		r.amiss = true
	}
	return e
}

func (r *reader) result() *Result {
	e := new(Result)
	r.begin()
	if r.member("check") {
		e.Check = r.string()
	}
	if r.member("commitments") {
		e.Commitments = Commitments{}
		for r.begin(); !r.end(); {
			query := r.name()
			e.Commitments[query] = r.commitments()
		}
	}
	if r.member("consent") {
		c := r.commitment()
		e.Consent = &c
	}
	r.head(&e.Head, &e.Asked)
	e.Outcome = Outcome(r.text("outcome"))
	r.asked(&e.Asked)
	e.Ref = r.number("ref", math.MaxUint64)
	e.Retention = r.text("retention")
	e.V = int(r.number("v", math.MaxInt32))
	r.end()
	if e.Kind != KindResult {
		r.amiss = true
	}
	return e
}

func (r *reader) head(h *Head, a *Asked) {
	a.Flow = Flow(r.text("flow"))
	h.Hour = Hour(r.text("hour"))
	h.ID = ID(r.text("id"))
	h.Kind = Kind(r.text("kind"))
}

func (r *reader) asked(a *Asked) {
	r.require("paths")
	a.Paths = Paths{}
	for r.begin(); !r.end(); {
		query := r.name()
		a.Paths[query] = r.strings()
	}
	a.Platform = r.text("platform")
	r.require("policy")
	r.begin()
	a.Policy.ID = r.text("id")
	a.Policy.SHA256 = r.text("sha256")
	a.Policy.Version = uint32(r.number("version", math.MaxUint32))
	r.end()
	a.Purpose = r.text("purpose")
}

// take reads one byte if it is c.
func (r *reader) take(c byte) bool {
	if len(r.rest) == 0 || r.rest[0] != c {
		return false
	}
	r.rest = r.rest[1:]
	return true
}

func (r *reader) must(ok bool) {
	if !ok {
		r.amiss, r.rest = true, nil
	}
}

func (r *reader) begin() {
	r.must(r.take('{'))
	r.first = true
}

// end reports whether the object ends here, or cannot be read.
func (r *reader) end() bool {
	if !r.take('}') {
		return r.amiss
	}
	r.first = false
	return true
}

// member reads a member's name if it is this one.
func (r *reader) member(name string) bool {
	b := r.rest
	if !r.first {
		if len(b) == 0 || b[0] != ',' {
			return false
		}
		b = b[1:]
	}
	if len(b) < len(name)+3 || b[0] != '"' || string(b[1:1+len(name)]) != name || b[1+len(name)] != '"' || b[2+len(name)] != ':' {
		return false
	}
	r.rest, r.first = b[len(name)+3:], false
	return true
}

func (r *reader) require(name string) { r.must(r.member(name)) }

// name reads the name of whatever member comes.
func (r *reader) name() string {
	r.must(r.first || r.take(','))
	r.first = false
	name := r.string()
	r.must(r.take(':'))
	return name
}

func (r *reader) text(name string) string {
	r.require(name)
	return r.string()
}

func (r *reader) string() string {
	r.must(r.take('"'))
	end, escaped := 0, false
	for ; end < len(r.rest) && r.rest[end] != '"'; end++ {
		if r.rest[end] == '\\' {
			end, escaped = end+1, true
		}
	}
	if end >= len(r.rest) {
		r.must(false)
		return ""
	}
	content := r.rest[:end]
	if r.rest = r.rest[end+1:]; !escaped {
		return string(content)
	}
	plain, err := jsontext.AppendUnquote(nil, `"`+string(content)+`"`)
	r.must(err == nil)
	return string(plain)
}

func (r *reader) strings() []string {
	list := []string{}
	r.must(r.take('['))
	for !r.take(']') && !r.amiss {
		r.must(len(list) == 0 || r.take(','))
		list = append(list, r.string())
	}
	return list
}

func (r *reader) number(name string, limit uint64) uint64 {
	r.require(name)
	digits := 0
	for digits < len(r.rest) && digit(r.rest[digits]) {
		digits++
	}
	n, err := strconv.ParseUint(string(r.rest[:digits]), 10, 64)
	r.must(err == nil && n <= limit)
	r.rest = r.rest[min(digits, len(r.rest)):]
	return n
}

func (r *reader) commitments() []Commitment {
	list := []Commitment{}
	r.must(r.take('['))
	for !r.take(']') && !r.amiss {
		r.must(len(list) == 0 || r.take(','))
		list = append(list, r.commitment())
	}
	return list
}

func (r *reader) commitment() (c Commitment) {
	text := r.string()
	r.must(!r.amiss && c.UnmarshalText([]byte(text)) == nil)
	return c
}
