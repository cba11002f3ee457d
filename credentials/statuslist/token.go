package statuslist

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"facet/credentials/jose"
)

const (
	// TokenType is the typ of a status list token (§5.1).
	TokenType = "statuslist+jwt"
	// MediaType is the content type it is served with (§8.1).
	MediaType = "application/statuslist+jwt"
	// MaxToken is the longest token read, in bytes.
	MaxToken = 4 << 20
	// MaxTTL is the longest ttl believed; a longer one is an error, since it
	// would postpone revocations beyond reason (§11.5).
	MaxTTL = 31 * 24 * time.Hour
)

// A Reference is where a credential's status stands (§6.2).
type Reference struct {
	URI   string
	Index uint64
}

// ParseReference reads a credential's status claim. Reasons: status_malformed,
// status_index.
func ParseReference(status any) (Reference, error) {
	o, ok := status.(map[string]any)
	if !ok {
		return Reference{}, fail("status_malformed", "status is not an object")
	}
	list, ok := o["status_list"].(map[string]any)
	if !ok {
		return Reference{}, fail("status_malformed", "status has no status_list")
	}
	uri, ok := list["uri"].(string)
	if !ok || uri == "" {
		return Reference{}, fail("status_malformed", "status_list has no uri")
	}
	n, ok := list["idx"].(json.Number)
	if !ok {
		return Reference{}, fail("status_index", "status_list has no idx")
	}
	idx, err := strconv.ParseUint(n.String(), 10, 62)
	if err != nil {
		return Reference{}, fail("status_index", "idx is not a whole number from 0")
	}
	return Reference{URI: uri, Index: idx}, nil
}

// Claim is the status claim that refers to r.
func (r Reference) Claim() map[string]any {
	return map[string]any{"status_list": map[string]any{"idx": r.Index, "uri": r.URI}}
}

// An Issuance is what goes into a token besides the list.
type Issuance struct {
	URI       string // becomes sub
	IssuedAt  time.Time
	ExpiresAt time.Time     // zero: no exp
	TTL       time.Duration // whole seconds; zero: no ttl
	X5C       []string      // the signer's chain without its anchor; nil: none
}

// Issue signs a status list token (§5.1).
func Issue(ctx context.Context, signer jose.Signer, l *List, i Issuance) (string, error) {
	encoded, err := l.Encode()
	if err != nil {
		return "", err
	}
	if i.URI == "" || i.IssuedAt.IsZero() || i.TTL < 0 || i.TTL > MaxTTL {
		return "", fail("status_malformed", "a token needs a uri, a time of issue and a ttl below %s", MaxTTL)
	}
	payload := map[string]any{"sub": i.URI, "iat": i.IssuedAt.Unix(), "status_list": encoded}
	if !i.ExpiresAt.IsZero() {
		payload["exp"] = i.ExpiresAt.Unix()
	}
	if i.TTL > 0 {
		payload["ttl"] = int64(i.TTL / time.Second)
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return "", wrap("status_malformed", "encode token", err)
	}
	header := map[string]any{"typ": TokenType}
	if i.X5C != nil {
		header["x5c"] = i.X5C
	}
	return jose.Sign(ctx, signer, header, body)
}

// A Token is a status list token whose signature was verified.
type Token struct {
	subject string
	list    *List
	issued  time.Time
	expires time.Time     // zero: none
	ttl     time.Duration // zero: none
}

// Parse checks a token's shape; nothing is verified.
func Parse(compact string) (*jose.Token, error) {
	return jose.Parse(compact, jose.Rule{
		Typ: []string{TokenType}, MaxSize: MaxToken, AllowX5C: true,
		Algs: []string{jose.ES256, jose.ES384, jose.EdDSA},
	})
}

// Verify checks the signature with pub and reads the token (§8.3). Dates are
// judged by ValidAt.
func Verify(t *jose.Token, pub *jose.PublicKey) (*Token, error) {
	verified, err := t.Verify(pub)
	if err != nil {
		return nil, wrap("status_signature_invalid", "status list token", err)
	}
	c := verified.Claims()
	out := &Token{}
	if out.subject, err = jose.StringClaim(c, "sub"); err != nil {
		return nil, wrap("status_malformed", "status list token", err)
	}
	if err := out.readTimes(c); err != nil {
		return nil, err
	}
	list, _ := c["status_list"].(map[string]any)
	bits, _ := list["bits"].(json.Number)
	n, err := strconv.Atoi(bits.String())
	lst, ok := list["lst"].(string)
	if err != nil || !ok {
		return nil, fail("status_malformed", "status_list lacks bits or lst")
	}
	if out.list, err = Decode(Encoded{Bits: n, List: lst}); err != nil {
		return nil, err
	}
	return out, nil
}

func (t *Token) readTimes(c map[string]any) error {
	var present bool
	var err error
	if t.issued, present, err = jose.NumericDate(c, "iat"); err != nil || !present {
		return wrap("status_malformed", "iat is missing or not a date", err)
	}
	if t.expires, _, err = jose.NumericDate(c, "exp"); err != nil {
		return wrap("status_malformed", "exp is not a date", err)
	}
	if v, present := c["ttl"]; present {
		n, _ := v.(json.Number)
		seconds, err := strconv.ParseInt(n.String(), 10, 64)
		if err != nil || seconds <= 0 || seconds > int64(MaxTTL/time.Second) {
			return fail("status_expired", "ttl is not between 1 second and %s", MaxTTL)
		}
		t.ttl = time.Duration(seconds) * time.Second
	}
	return nil
}

// CheckTimes judges iat, exp and ttl of claims nobody verified, for tools that
// show tokens. Reasons: status_malformed, status_expired.
func CheckTimes(claims map[string]any, now time.Time) error {
	t := &Token{}
	if err := t.readTimes(claims); err != nil {
		return err
	}
	return t.ValidAt(now, 0)
}

// List is the decoded list.
func (t *Token) List() *List { return t.list }

// Subject is the token's sub: the URI it stands for.
func (t *Token) Subject() string { return t.subject }

// ValidAt checks iat and exp, allowing leeway. Reason status_expired.
func (t *Token) ValidAt(now time.Time, leeway time.Duration) error {
	if t.issued.After(now.Add(leeway)) {
		return fail("status_expired", "the status list was issued in the future")
	}
	if !t.expires.IsZero() && !now.Before(t.expires.Add(leeway)) {
		return fail("status_expired", "the status list has expired")
	}
	return nil
}
