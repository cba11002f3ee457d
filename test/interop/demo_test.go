package interop

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"facet/credentials"
	"facet/credentials/jose"
)

const demoStart = 60 * time.Second // the longest it may take to answer

// A running demo is the real binary, as `make run` starts it, on other ports.
type running struct {
	t      *testing.T
	port   int
	data   string
	apiKey string
	client http.Client
}

func startDemo(t *testing.T) *running {
	t.Helper()
	dir := t.TempDir()
	d := &running{t: t, port: freePorts(t, 4), data: filepath.Join(dir, "data")}
	d.client = http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) { // *.localhost is this machine
			_, port, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		},
	}}
	var said bytes.Buffer
	cmd := exec.Command(binary(t, dir), "demo", "--data", d.data, "--port", strconv.Itoa(d.port))
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { stopDemo(cmd, ended) })
	for deadline := time.Now().Add(demoStart); !d.answers(); time.Sleep(50 * time.Millisecond) {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("facet demo ended: %v\n%s", err, said.Bytes())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal("facet demo does not answer")
		}
	}
	key, err := os.ReadFile(filepath.Join(d.data, "pki", "newsroom.apikey"))
	if err != nil {
		t.Fatal(err)
	}
	d.apiKey = string(key)
	return d
}

// binary is the facet to test: FACET_BINARY, or one built now.
func binary(t *testing.T, dir string) string {
	t.Helper()
	if named := os.Getenv("FACET_BINARY"); named != "" {
		return named
	}
	out := filepath.Join(dir, "facet")
	build := exec.Command("go", "build", "-o", out, "./cmd/facet")
	build.Dir = "../.."
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build cmd/facet: %v\n%s", err, said)
	}
	return out
}

func (d *running) answers() bool {
	r, err := d.client.Get(d.verifier() + "/log/checkpoint")
	if err != nil {
		return false
	}
	r.Body.Close()
	return true
}

// stopDemo asks it to end, as Ctrl-C does, and waits.
func stopDemo(cmd *exec.Cmd, ended chan error) {
	cmd.Process.Signal(os.Interrupt)
	select {
	case <-ended:
	case <-time.After(15 * time.Second):
		cmd.Process.Kill()
		<-ended
	}
}

// freePorts finds n free ports in a row.
func freePorts(t *testing.T, n int) int {
	t.Helper()
next:
	for first := 21000 + os.Getpid()%20000; first < 60000; first += n {
		for port := first; port < first+n; port++ {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				continue next
			}
			l.Close()
		}
		return first
	}
	t.Fatal("no free ports")
	return 0
}

func (d *running) url(name string, n int) string {
	return fmt.Sprintf("http://%s.localhost:%d", name, d.port+n)
}
func (d *running) verifier() string { return d.url("verifier", 1) }
func (d *running) news() string     { return d.url("news", 3) }

// call is the newsroom's server calling the platform API.
func (d *running) call(t *testing.T, method, path string, body, result any) int {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(method, d.verifier()+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+d.apiKey)
	r.Header.Set("Content-Type", "application/json")
	answer, err := d.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(got, result); err != nil {
		t.Fatalf("%s %s: %d, not JSON", method, path, answer.StatusCode)
	}
	return answer.StatusCode
}

// A begun request, as the platform got it.
type begun struct {
	ID    string
	Links []struct{ URL string }
}

func (d *running) begin(t *testing.T, policy string) begun {
	t.Helper()
	var b begun
	body := map[string]any{"policy": policy, "flow": "same_device", "return_uri": d.news() + "/facet/callback"}
	if status := d.call(t, http.MethodPost, "/v1/requests", body, &b); status != http.StatusCreated || len(b.Links) != 1 {
		t.Fatalf("begin: %d, %d links", status, len(b.Links))
	}
	return b
}

// anchor is the register that vouches for who asks (base64 DER).
func (d *running) anchor(name string) string {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.data, "pki", "anchors.json"))
	var anchors map[string]string
	if err == nil {
		err = json.Unmarshal(text, &anchors)
	}
	if err != nil || anchors[name] == "" {
		d.t.Fatalf("anchor %s: %v", name, err)
	}
	return anchors[name]
}

// identity reads one of the demo's keys and its chain.
func (d *running) identity(name string) (*jose.PrivateKey, []string) {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.data, "pki", name+".pem"))
	if err != nil {
		d.t.Fatal(err)
	}
	var key *jose.PrivateKey
	var x5c []string
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "PRIVATE KEY":
			key, err = jose.ParsePKCS8PrivateKey(block.Bytes)
		case "CERTIFICATE":
			x5c = append(x5c, base64.StdEncoding.EncodeToString(block.Bytes))
			_, err = x509.ParseCertificate(block.Bytes)
		}
		if err != nil {
			d.t.Fatal(err)
		}
	}
	if key == nil || len(x5c) == 0 {
		d.t.Fatalf("%s.pem holds no key or no certificate", name)
	}
	return key, x5c
}

// ageProof is what the town hall would issue for a holder's key.
func (d *running) ageProof(holder *jose.PublicKey, change func(*credentials.Issuance)) string {
	d.t.Helper()
	key, x5c := d.identity("buergeramt")
	return d.issue(key, x5c, holder, change)
}

func (d *running) issue(key *jose.PrivateKey, x5c []string, holder *jose.PublicKey, change func(*credentials.Issuance)) string {
	d.t.Helper()
	ages := map[string]any{"12": true, "16": true, "18": true, "21": true, "65": false}
	i := credentials.Issuance{
		VCT: "urn:facet:age:1", Subject: map[string]any{"age_equal_or_over": ages},
		Holder: holder, IssuedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
	}
	for age := range ages {
		i.Disclose = append(i.Disclose, []any{"age_equal_or_over", age})
	}
	if change != nil {
		change(&i)
	}
	text, err := credentials.Issue(context.Background(), key, x5c, i)
	if err != nil {
		d.t.Fatal(err)
	}
	return text
}

// result redeems what the browser brought back, waiting for the log.
func (d *running) result(t *testing.T, b begun, redirect string) json.RawMessage {
	t.Helper()
	code := responseCode(redirect)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var result json.RawMessage
		status := d.call(t, http.MethodPost, "/v1/requests/"+b.ID+"/result", map[string]any{"response_code": code}, &result)
		if status == http.StatusOK {
			return result
		}
		if time.Now().After(deadline) {
			t.Fatalf("result: %d", status)
		}
	}
}

// responseCode is in the address the wallet is sent back to.
func responseCode(redirect string) string {
	_, code, _ := strings.Cut(redirect, "response_code=")
	code, _, _ = strings.Cut(code, "&")
	return code
}
