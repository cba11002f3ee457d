package audit

import (
	"strconv"
	"strings"
	"unicode"
)

// The forms of an entry's strings; schemas/entry.v1.json has most as patterns.
// They are code and not package regexp's, which alone would be a twentieth of
// what a holder's browser loads.

// isPlatform: 1 to 80 letters, numbers and the marks of a company's name, not
// beginning or ending with a mark but for a full stop or a bracket at the end.
func isPlatform(s string) bool {
	n, last := 0, rune(0)
	for _, r := range s {
		if n++; n > 80 || !plain(r) && (n == 1 || !strings.ContainsRune(" .,&'’+()/-", r)) {
			return false
		}
		last = r
	}
	return n == 1 || n > 1 && (plain(last) || last == '.' || last == ')')
}

func plain(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// isPolicyID: morgenblatt.example/home, in 1 to 4 parts.
func isPolicyID(s string) bool {
	if strings.Count(s, "/") > 3 {
		return false
	}
	for part := range strings.SplitSeq(s, "/") {
		if len(part) == 0 || len(part) > 64 || !lowerOrDigit(part[0]) || !spelled(part, lowerOrDigit, ".-") {
			return false
		}
	}
	return true
}

// isPurpose: 1 to 8 lower-case words joined by hyphens.
func isPurpose(s string) bool {
	if len(s) > 64 || strings.Count(s, "-") > 7 || s == "" || digit(s[0]) {
		return false
	}
	for word := range strings.SplitSeq(s, "-") {
		if word == "" || !spelled(word, lowerOrDigit, "") {
			return false
		}
	}
	return true
}

// isRetention: days (P7D), hours (PT12H) or nothing (PT0S).
func isRetention(s string) bool {
	if days, ok := between(s, "P", "D"); ok {
		return isCount(days, 4)
	}
	hours, ok := between(s, "PT", "H")
	return s == "PT0S" || ok && isCount(hours, 3)
}

// isCount: a whole number from 1 of at most so many digits.
func isCount(s string, digits int) bool {
	return s != "" && len(s) <= digits && s[0] != '0' && spelled(s, digit, "")
}

// isQuery: a DCQL credential query's id (OpenID4VP 1.0 §6.1).
func isQuery(s string) bool {
	return s != "" && len(s) <= 64 && spelled(s, letterOrDigit, "_-")
}

// isPath: a claims path (OpenID4VP §7) in canonical JSON. Nothing a name may
// have in it is written with a comma, a quote or an escape there, so the text is
// read as it stands: with package json this was half of what an entry costs.
func isPath(s string) bool {
	list, ok := between(s, "[", "]")
	if !ok || strings.Count(list, ",") >= MaxPath {
		return false
	}
	for elem := range strings.SplitSeq(list, ",") {
		name, quoted := between(elem, `"`, `"`)
		if quoted && !isName(name) || !quoted && elem != "null" && !isIndex(elem) {
			return false
		}
	}
	return true
}

// isIndex: an array index in a claims path.
func isIndex(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && strconv.FormatUint(n, 10) == s
}

// isName: one name in a claims path.
func isName(s string) bool {
	return s != "" && len(s) <= 64 && (letterOrDigit(s[0]) || s[0] == '_') && spelled(s, letterOrDigit, "_.:#/-")
}

// isWeakening: the name of an Insecure… field.
func isWeakening(s string) bool {
	name, ok := strings.CutPrefix(s, "Insecure")
	return ok && len(name) >= 2 && len(name) <= 48 && 'A' <= name[0] && name[0] <= 'Z' && spelled(name, letterOrDigit, "")
}

// spelled reports whether every byte of s is of the class or one of the marks.
func spelled(s string, class func(byte) bool, marks string) bool {
	for i := range len(s) {
		if !class(s[i]) && strings.IndexByte(marks, s[i]) < 0 {
			return false
		}
	}
	return true
}

func digit(c byte) bool        { return '0' <= c && c <= '9' }
func lowerOrDigit(c byte) bool { return 'a' <= c && c <= 'z' || digit(c) }
func letterOrDigit(c byte) bool {
	return lowerOrDigit(c) || 'A' <= c && c <= 'Z'
}

// between returns what stands between prefix and suffix.
func between(s, prefix, suffix string) (string, bool) {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, suffix)
}
