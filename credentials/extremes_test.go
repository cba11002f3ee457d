package credentials

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"facet/credentials/jose"
	"facet/credentials/statuslist"
	"facet/fetch"
)

// TestExtremes: inputs made to exhaust a verifier get a typed error for a few
// bytes of memory; only a status list may cost up to its limit.
func TestExtremes(t *testing.T) {
	r := newRig(t)
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	deepDisclosure := base64.RawURLEncoding.EncodeToString([]byte(`["c2FsdA","a",` + deep + `]`))
	listens, connections := listener(t)
	itself := documents{ageVCT: `{"vct":"` + ageVCT + `","extends":"` + ageVCT + `"}`}
	for _, tt := range []struct {
		name, want string
		token      string
		memory     uint64
		twist      func(*Rule)
	}{
		{"10000 disclosures", "size_limit", r.signText(nil, `{}`) + strings.Repeat("WyJhIiwiYiIsMV0~", 10000), 256 << 10, nil},
		{"10000 different disclosures", "size_limit", r.signText(nil, `{}`) + different(10000), 256 << 10, nil},
		{"9000 levels in the payload", "json_depth_limit", r.signText(nil, `{"a":`+deep+`}`), 256 << 10, nil},
		{"9000 levels in a disclosure", "sdjwt_disclosure_malformed", r.signText(nil, `{"vct":"`+ageVCT+`","_sd":["`+digestOf(deepDisclosure)+`"]}`) + deepDisclosure + "~", 256 << 10, nil},
		{"9000 levels in the header", "json_depth_limit", base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","x":`+deep+`}`)) + ".e30.AA~", 256 << 10, nil},
		{"1000 certificates", "size_limit", r.signText(times(r.a.x5c[0], 1000), `{}`), 256 << 10, nil},
		{"1000 small certificates", "cert_chain_limit", r.signText(times("MAA=", 1000), `{}`), 256 << 10, nil},
		{"a status list of 200 MiB", "status_size_limit", r.signText(nil, `{"vct":"`+ageVCT+`","status":{"status_list":{"idx":0,"uri":"https://a.example/1"}}}`), 24 << 20,
			func(x *Rule) { x.Status = bomb(t, r, 200<<20) }},
		{"a type at a private address", "type_metadata_unavailable", r.signText(nil, `{"vct":"https://`+listens+`/type"}`), 1 << 20,
			func(x *Rule) { x.Types = &TypeResolver{EmbeddedTypes{FetchedTypes{fetch.New(fetch.Config{})}}} }},
		{"a type in the cloud's metadata", "type_metadata_unavailable", r.signText(nil, `{"vct":"https://169.254.169.254/latest"}`), 1 << 20,
			func(x *Rule) { x.Types = &TypeResolver{EmbeddedTypes{FetchedTypes{fetch.New(fetch.Config{})}}} }},
		{"a type that extends itself", "type_metadata_cycle", r.signText(nil, `{"vct":"`+ageVCT+`"}`), 256 << 10,
			func(x *Rule) { x.Types = &TypeResolver{itself} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rule := Rule{Trust: anyType{r.a.key.Public()}, Now: now}
			if tt.twist != nil {
				tt.twist(&rule)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Verify(t.Context(), tt.token, rule)
			runtime.ReadMemStats(&after)
			if got := reason(err); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > tt.memory {
				t.Errorf("%d bytes were allocated, want at most %d", got, tt.memory)
			}
		})
	}
	if n := connections(); n != 0 {
		t.Errorf("%d connections to a private address", n)
	}
}

// anyType lets one key sign every type.
type anyType struct{ key *jose.PublicKey }

func (a anyType) IssuerKey(context.Context, TrustQuery) (*Issuer, error) {
	return &Issuer{Key: a.key, ID: "issuer-a"}, nil
}

// signText signs exactly this payload.
func (r *rig) signText(x5c []string, payload string) string {
	r.t.Helper()
	header := map[string]any{"typ": Type}
	if x5c != nil {
		header["x5c"] = x5c
	}
	jwt, err := jose.Sign(r.t.Context(), r.a.key, header, []byte(payload))
	if err != nil {
		r.t.Fatal(err)
	}
	return jwt + "~"
}

func times(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}

func different(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(base64.RawURLEncoding.EncodeToString([]byte{byte(i >> 8), byte(i), 0}))
		b.WriteByte('~')
	}
	return b.String()
}

// bomb is a checker whose only list inflates to n bytes.
func bomb(t *testing.T, r *rig, n int64) StatusChecker {
	t.Helper()
	var packed bytes.Buffer
	z, err := zlib.NewWriterLevel(&packed, zlib.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(z, zeros{}, n); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	const uri = "https://a.example/1"
	body, err := json.Marshal(map[string]any{"sub": uri, "iat": now.Unix(), "status_list": map[string]any{
		"bits": 1, "lst": base64.RawURLEncoding.EncodeToString(packed.Bytes()),
	}})
	if err != nil {
		t.Fatal(err)
	}
	token, err := jose.Sign(t.Context(), r.a.key, map[string]any{"typ": statuslist.TokenType}, body)
	if err != nil {
		t.Fatal(err)
	}
	c, err := statuslist.NewChecker(statuslist.Config{Fetch: &web{pages: map[string]string{uri: token}}, Keys: r.trust})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// listener counts who connects to this machine.
func listener(t *testing.T) (address string, connections func() int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	came := make(chan struct{}, 100)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			came <- struct{}{}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String(), func() int { time.Sleep(10 * time.Millisecond); return len(came) }
}

func digestOf(disclosure string) string {
	sum := sha256.Sum256([]byte(disclosure))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
