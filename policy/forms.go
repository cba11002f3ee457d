package policy

import (
	"strconv"
	"strings"
	"time"
)

// The forms of a policy's strings, as schemas/policy.v1.json has them in
// patterns: code, because package regexp is heavy where holders load it.

// isID: morgenblatt.example/home, in 1 to 4 parts.
func isID(s string) bool {
	if strings.Count(s, "/") > 3 {
		return false
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || len(part) > 64 || part[0] == '.' || part[0] == '-' || !spelled(part, lower+digits+".-") {
			return false
		}
	}
	return true
}

// isLanguage: de, de-CH.
func isLanguage(s string) bool {
	language, region, both := strings.Cut(s, "-")
	return len(language) == 2 && spelled(language, lower) && (!both || len(region) == 2 && spelled(region, upper))
}

// isCredentialName: a letter, then up to 31 letters and digits.
func isCredentialName(s string) bool {
	return s != "" && len(s) <= 32 && spelled(s[:1], lower) && spelled(s, lower+digits)
}

const (
	lower  = "abcdefghijklmnopqrstuvwxyz"
	upper  = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits = "0123456789"
)

// spelled reports whether s has these letters only.
func spelled(s, letters string) bool { return strings.TrimLeft(s, letters) == "" }

// placeholders lists what stands in braces, braces included.
func placeholders(s string) (found []string) {
	for {
		open := strings.IndexByte(s, '{')
		if open < 0 {
			return found
		}
		s = s[open:]
		end := strings.IndexAny(s[1:], "{}") + 1
		switch {
		case end == 0:
			return found
		case s[end] == '{':
			s = s[end:]
		default:
			found = append(found, s[:end+1])
			s = s[end+1:]
		}
	}
}

// ParseRetention reads the three forms a retention may have: whole days (P7D,
// up to 9999), whole hours (PT12H, up to 999), nothing (PT0S).
func ParseRetention(s string) (time.Duration, bool) {
	if s == "PT0S" {
		return 0, true
	}
	if count, ok := between(s, "PT", "H"); ok {
		n, ok := whole(count, 3)
		return time.Duration(n) * time.Hour, ok
	}
	count, ok := between(s, "P", "D")
	if !ok {
		return 0, false
	}
	n, ok := whole(count, 4)
	return time.Duration(n) * 24 * time.Hour, ok
}

// between returns what stands between prefix and suffix.
func between(s, prefix, suffix string) (string, bool) {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, suffix)
}

// whole reads a number from 1 of at most so many digits, without leading zero.
func whole(s string, most int) (int, bool) {
	if s == "" || len(s) > most || s[0] == '0' || !spelled(s, digits) {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}
