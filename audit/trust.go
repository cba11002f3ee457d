package audit

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// MaxTrust is the most bytes a trust policy may have; MaxTrustNames the most
// logs, witnesses or groups (C2SP tlog-policy, implementation limits).
const (
	MaxTrust      = 64 << 10
	MaxTrustNames = 32
)

// A Trust says which logs to believe and how many witnesses must have seen a
// checkpoint (C2SP tlog-policy). Make one with [TrustLog] or [ParseTrust].
type Trust struct {
	logs      map[string]logKey   // by origin
	witnesses map[string]cosigner // by the name in the policy
	groups    map[string]group
	quorum    string // a witness, a group, or "none"
}

type logKey struct {
	verifier note.Verifier
	cosigner cosigner // the same key, timestamped
}

type group struct {
	least   int
	members []string
}

const noQuorum = "none"

// TrustLog trusts the one log with this verifier key, and asks for no witness.
// If origin is not empty it must be the key's name.
func TrustLog(vkey, origin string) (*Trust, error) {
	t := &Trust{logs: map[string]logKey{}, quorum: noQuorum}
	if err := t.addLog(vkey); err != nil {
		return nil, err
	}
	if _, ok := t.logs[origin]; origin != "" && !ok {
		return nil, fault(ReasonSignature, "the key is not that of the log %q", origin)
	}
	return t, nil
}

func (t *Trust) addLog(vkey string) error {
	name, alg, key, err := parseVKey(vkey)
	if err != nil {
		return err
	}
	if alg != algEd25519 {
		return fault(ReasonSignature, "not the key of a log")
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return fault(ReasonSignature, "not a verifier key")
	}
	if _, twice := t.logs[name]; twice {
		return fault(ReasonSignature, "a log is listed twice")
	}
	t.logs[name] = logKey{v, cosigner{name, key}}
	return nil
}

// ParseTrust reads a trust policy (C2SP tlog-policy).
func ParseTrust(text string) (*Trust, error) {
	t := &Trust{logs: map[string]logKey{}, witnesses: map[string]cosigner{}, groups: map[string]group{}}
	if len(text) > MaxTrust {
		return nil, fault(ReasonQuorum, "trust policy is larger than %d bytes", MaxTrust)
	}
	member := map[string]bool{}
	for i, line := range strings.Split(text, "\n") {
		f := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		if err := t.line(f, member); err != nil {
			return nil, fault(ReasonQuorum, "trust policy, line %d", i+1).because(err)
		}
	}
	if t.quorum == "" {
		return nil, fault(ReasonQuorum, "trust policy has no quorum line")
	}
	return t, nil
}

func (t *Trust) line(f []string, member map[string]bool) error {
	switch {
	case f[0] == "log" && (len(f) == 2 || len(f) == 3) && len(t.logs) < MaxTrustNames:
		return t.addLog(f[1])
	case f[0] == "witness" && (len(f) == 3 || len(f) == 4) && len(t.witnesses) < MaxTrustNames:
		return t.addWitness(f[1], f[2])
	case f[0] == "group" && len(f) >= 4 && len(t.groups) < MaxTrustNames:
		return t.addGroup(f[1], f[2], f[3:], member)
	case f[0] == "quorum" && len(f) == 2 && t.quorum == "":
		if f[1] != noQuorum && !t.known(f[1]) {
			return fault(ReasonQuorum, "quorum names nothing defined above it")
		}
		t.quorum = f[1]
		return nil
	}
	return fault(ReasonQuorum, "not a log, witness, group or single quorum line")
}

func (t *Trust) known(name string) bool {
	_, w := t.witnesses[name]
	_, g := t.groups[name]
	return w || g
}

func (t *Trust) addWitness(name, vkey string) error {
	keyName, alg, key, err := parseVKey(vkey)
	if err != nil {
		return err
	}
	if alg != algCosigned || name == noQuorum || t.known(name) {
		return fault(ReasonQuorum, "not a witness, or its name is taken")
	}
	for _, w := range t.witnesses {
		if w.key.Equal(key) {
			return fault(ReasonQuorum, "a witness is listed twice")
		}
	}
	t.witnesses[name] = cosigner{keyName, key}
	return nil
}

// addGroup adds a group; member remembers that a name counts in one place only.
func (t *Trust) addGroup(name, least string, members []string, member map[string]bool) error {
	if name == noQuorum || t.known(name) {
		return fault(ReasonQuorum, "the group's name is taken")
	}
	g := group{members: members}
	switch least {
	case "any":
		g.least = 1
	case "all":
		g.least = len(members)
	default:
		k, err := strconv.Atoi(least)
		if err != nil || k < 1 || k > len(members) || strconv.Itoa(k) != least {
			return fault(ReasonQuorum, "a group needs between one and all of its members")
		}
		g.least = k
	}
	for _, m := range members {
		if !t.known(m) || member[m] {
			return fault(ReasonQuorum, "a member is unknown or counted twice")
		}
		member[m] = true
	}
	t.groups[name] = g
	return nil
}

func (t *Trust) verifiers() note.Verifiers {
	var list []note.Verifier
	for _, l := range t.logs {
		list = append(list, l.verifier, l.cosigner)
	}
	for _, w := range t.witnesses {
		list = append(list, w)
	}
	return note.VerifierList(list...)
}

// witnessed returns the names of the witnesses that cosigned, or policy_quorum.
func (t *Trust) witnessed(n *note.Note) ([]string, error) {
	seen := map[string]bool{}
	var names []string
	for name, w := range t.witnesses {
		if _, ok := cosignedAt(n, w); ok {
			seen[name] = true
			names = append(names, name)
		}
	}
	if t.quorum != noQuorum && !t.met(t.quorum, seen) {
		return nil, fault(ReasonQuorum, "too few witnesses cosigned the checkpoint: %d", len(names))
	}
	slices.Sort(names)
	return names, nil
}

// met reports whether the witness or group of that name cosigned. Groups name
// only what stands above them, so this ends.
func (t *Trust) met(name string, seen map[string]bool) bool {
	g, ok := t.groups[name]
	if !ok {
		return seen[name]
	}
	n := 0
	for _, m := range g.members {
		if t.met(m, seen) {
			n++
		}
	}
	return n >= g.least
}
