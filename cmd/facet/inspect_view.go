package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"unicode"
)

// A view is what inspect shows of one input.
type view struct {
	Kind     string    `json:"kind"`
	Checks   []check   `json:"checks,omitempty"`
	Problem  *problem  `json:"problem,omitempty"`
	Sections []section `json:"sections,omitempty"`
}

// A check is one thing that could be proven. State is "verified", "wrong" or
// "open": nobody checked.
type check struct {
	What   string `json:"what"`
	State  string `json:"state"`
	How    string `json:"how"`
	Reason string `json:"reason,omitempty"`
}

// A problem says in one sentence what is wrong with the input.
type problem struct {
	Reason   string `json:"reason,omitempty"`
	Sentence string `json:"sentence"`
	Detail   string `json:"detail,omitempty"`
}

// A section is a titled part of the tree: a JSON value, or disclosures.
type section struct {
	Title       string           `json:"title"`
	Value       any              `json:"value,omitempty"`
	Disclosures []disclosureView `json:"disclosures,omitempty"`
}

type disclosureView struct {
	Path   string `json:"path,omitempty"`
	Name   string `json:"name,omitempty"`
	Value  any    `json:"value"`
	Salt   string `json:"salt"`
	Digest string `json:"digest"`
	Inside *int   `json:"inside,omitempty"` // number of the disclosure that holds its digest
	Note   string `json:"note,omitempty"`
}

func malformed(kind string, err error) *view { return &view{Kind: kind, Problem: explain(err)} }

func explain(err error) *problem {
	p := &problem{Sentence: "This cannot be read.", Detail: err.Error()}
	var r interface{ Reason() string }
	if errors.As(err, &r) {
		p.Reason = r.Reason()
		if s := reasonSentences[p.Reason]; s != "" {
			p.Sentence = s
		}
	}
	return p
}

func (v *view) bad() bool {
	for _, c := range v.Checks {
		if c.State == "wrong" {
			return true
		}
	}
	return v.Problem != nil
}

func (v *view) add(title string, value any) {
	v.Sections = append(v.Sections, section{Title: title, Value: value})
}

func (v *view) verified(what, how string) {
	v.Checks = append(v.Checks, check{What: what, State: "verified", How: how})
}

func (v *view) open(what, how string) {
	v.Checks = append(v.Checks, check{What: what, State: "open", How: how})
}

func (v *view) wrong(what, reason, how string) {
	v.Checks = append(v.Checks, check{what, "wrong", how, reason})
}

// refused is wrong with the sentence and the reason of err, and what else there
// is to say.
func (v *view) refused(what string, err error, more string) {
	p := explain(err)
	v.wrong(what, p.Reason, strings.TrimSpace(p.Sentence+" "+more))
}

func (v *view) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// painter is whether to colour.
type painter bool

func (p painter) paint(code, s string) string {
	if !p {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p painter) title(s string) string { return p.paint("1", s) }
func (p painter) good(s string) string  { return p.paint("32", s) }
func (p painter) wrong(s string) string { return p.paint("31;1", s) }
func (p painter) doubt(s string) string { return p.paint("33", s) }
func (p painter) faint(s string) string { return p.paint("2", s) }

func (v *view) writeText(w io.Writer, p painter) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", p.title(v.Kind))
	if v.Problem != nil {
		reason := ""
		if v.Problem.Reason != "" {
			reason = "  [" + safe(v.Problem.Reason) + "]"
		}
		fmt.Fprintf(&b, "  %s %s%s\n", p.wrong("malformed"), v.Problem.Sentence, p.faint(reason))
		if v.Problem.Detail != "" {
			fmt.Fprintf(&b, "            %s\n", p.faint(safe(v.Problem.Detail)))
		}
	}
	for _, c := range v.Checks {
		state := map[string]string{
			"verified": p.good("verified    "), "wrong": p.wrong("WRONG       "), "open": p.doubt("not verified"),
		}[c.State]
		reason := ""
		if c.Reason != "" {
			reason = "  [" + safe(c.Reason) + "]"
		}
		fmt.Fprintf(&b, "  %s %s: %s%s\n", state, safe(c.What), safe(c.How), p.faint(reason))
	}
	for _, s := range v.Sections {
		fmt.Fprintf(&b, "\n%s\n", p.title(s.Title))
		if s.Disclosures != nil {
			writeDisclosures(&b, p, s.Disclosures)
			continue
		}
		writeTree(&b, p, s.Value, 1)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeDisclosures(b *strings.Builder, p painter, list []disclosureView) {
	for i, d := range list {
		where := d.Path
		if where == "" {
			where = p.wrong("belongs nowhere")
		} else {
			where = safe(where)
		}
		fmt.Fprintf(b, "  %2d %s = %s\n", i+1, where, scalar(d.Value))
		switch d.Value.(type) {
		case map[string]any, []any:
			writeTree(b, p, d.Value, 3)
		}
		inside := ""
		if d.Inside != nil {
			inside = fmt.Sprintf("  inside %d", *d.Inside)
		}
		fmt.Fprintf(b, "     %s\n", p.faint("digest "+safe(d.Digest)+"  salt "+safe(d.Salt)+inside))
		if d.Note != "" {
			fmt.Fprintf(b, "     %s\n", p.wrong(safe(d.Note)))
		}
	}
}

// writeTree prints a JSON value with one line for each scalar, members sorted.
func writeTree(b *strings.Builder, p painter, v any, depth int) {
	indent := strings.Repeat("  ", depth)
	switch v := v.(type) {
	case map[string]any:
		names := make([]string, 0, len(v))
		width := 0
		for name := range v {
			names = append(names, name)
			width = max(width, min(len(name), 24))
		}
		sort.Strings(names)
		for _, name := range names {
			fmt.Fprintf(b, "%s%-*s  %s\n", indent, width, safe(name), scalar(v[name]))
			writeTree(b, p, container(v[name]), depth+1)
		}
	case []any:
		for i, e := range v {
			fmt.Fprintf(b, "%s%s %s\n", indent, p.faint(fmt.Sprintf("[%d]", i)), scalar(e))
			writeTree(b, p, container(e), depth+1)
		}
	case nil:
	default:
		fmt.Fprintf(b, "%s%s\n", indent, scalar(v))
	}
}

// container returns v if it has parts of its own.
func container(v any) any {
	switch v.(type) {
	case map[string]any, []any:
		return v
	}
	return nil
}

func scalar(v any) string {
	switch v := v.(type) {
	case string:
		return safe(v)
	case map[string]any:
		if len(v) == 0 {
			return "{}"
		}
		return ""
	case []any:
		if len(v) == 0 {
			return "[]"
		}
		return ""
	case nil:
		return "null"
	}
	return safe(fmt.Sprint(v))
}

// safe keeps what came from outside from steering the terminal: everything
// that does not print becomes an escape.
func safe(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		fmt.Fprintf(&b, "\\u%04x", r)
	}
	return b.String()
}
