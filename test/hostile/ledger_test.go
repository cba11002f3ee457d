package hostile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"facet/verifier/server"
)

// A ledger makes the attacks and notes what came of them.
type ledger struct {
	t *testing.T
	s *siege

	meanwhile int // attacks begun before the last good exchange of their stretch was over

	mu       sync.Mutex // guards the rest
	kinds    map[string]int
	statuses map[int]int
	held     []slow
}

// A slow connection is kept open until the end.
type slow struct {
	net.Conn
	name  string
	since time.Time
}

// attack makes the ith attack.
func (b *ledger) attack(i int) {
	if kinds := len(names) + len(connections); i%kinds >= len(names) {
		b.connect(connections[i%kinds-len(names)], i)
		return
	}
	n := i / (len(names) + len(connections))
	name := names[i%(len(names)+len(connections))]
	v := b.s.victims[i*13%len(b.s.victims)]
	q := attacks[name](b.s, v, n)
	status, header, body, err := b.s.do(b.s.hostile, i, q)
	if err != nil {
		// The server hangs up on a client that goes on writing what it refused.
		if name != "oversize" && name != "gzip bomb" && name != "headers" {
			b.t.Errorf("%s: %v", name, err)
		}
		status = 0
	}
	b.note(name, status)
	if status != 0 {
		b.judge(name, q, status, header, body)
	}
}

func (b *ledger) note(name string, status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.statuses == nil {
		b.statuses = map[int]int{}
	}
	b.kinds[name]++
	b.statuses[status]++
}

// judge fails unless the answer is a refusal, gives its reason in the words of
// the part of the API it was sent to, and repeats nothing.
func (b *ledger) judge(name string, q call, status int, header http.Header, body []byte) {
	if status < 400 || status >= 500 && status != http.StatusServiceUnavailable {
		b.t.Errorf("%s: %d %s", name, status, body)
		return
	}
	all := string(body)
	for k, v := range header {
		all += k + strings.Join(v, " ")
	}
	if strings.Contains(strings.ToLower(all), strings.ToLower(canary)) {
		b.t.Errorf("%s: the answer repeats what was sent: %s", name, body)
	}
	if status == http.StatusRequestHeaderFieldsTooLarge || strings.Contains(q.url, "/log/") {
		return // net/http's own; files of a log have no problems in JSON
	}
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		b.t.Errorf("%s: %d without a reason: %q", name, status, body)
		return
	}
	for _, member := range wanted(q.url[len(b.s.url):]) {
		if text, _ := m[member].(string); text == "" {
			b.t.Errorf("%s: %d without %s: %s", name, status, member, body)
		}
	}
}

// wanted are the members of a refusal at a path.
func wanted(path string) []string {
	switch {
	case strings.HasPrefix(path, "/wallet/"):
		return []string{"error", "error_description", "code"}
	case strings.HasPrefix(path, "/ofrep/"):
		return []string{"errorCode", "errorDetails"}
	}
	return []string{"error", "code", "detail", "title"}
}

// connect opens a connection of its own and misuses it.
func (b *ledger) connect(name string, i int) {
	c, err := net.Dial("tcp", b.s.addr)
	if err != nil {
		b.t.Errorf("%s: %v", name, err)
		return
	}
	v := b.s.victims[i*13%len(b.s.victims)]
	head := "POST " + v.ResponseURI[len(b.s.url):] + " HTTP/1.1\r\nHost: verifier\r\nX-Forwarded-For: 10.250." + fmt.Sprint(i%256) + ".7\r\nContent-Type: " + formType + "\r\n"
	write := func(text string) { _, _ = io.WriteString(c, text) } // the server may have hung up
	status := 0
	switch name {
	case "cut off":
		write(head + pick(i, "Content-Length: 500\r\n\r\nresponse="+canary, "Transfer-Encoding: chunked\r\n\r\nfff\r\n"+canary, "Transfer-Encoding: chunked\r\n\r\n-1\r\n"+canary))
		_ = c.(*net.TCPConn).CloseWrite()
		status = b.reply(name, c, http.StatusBadRequest)
	case "no http":
		write(pick(i, "\x16\x03\x01"+canary, "GET / HTTP/9.9\r\n\r\n", canary+"\r\n\r\n", "GET /"+canary+" HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
			head+"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"))
		status = b.reply(name, c, http.StatusBadRequest)
	case "reset":
		write(head + "Content-Length: 100000\r\n\r\nresponse=" + strings.Repeat(canary, 100))
		_ = c.(*net.TCPConn).SetLinger(0)
	case "slow header":
		write(head[:len(head)-2-i%20])
		b.hold(name, c)
	case "slow body":
		write(head + "Content-Length: 100\r\n\r\nresponse=")
		b.hold(name, c)
	case "abandoned stream":
		write("GET /v1/requests/" + v.tx + "/events HTTP/1.1\r\nHost: verifier\r\nAuthorization: Bearer " + keyUnder + "\r\n\r\n")
		b.hold(name, c)
	}
	b.note(name, status)
	if !strings.HasPrefix(name, "slow") && name != "abandoned stream" {
		_ = c.Close()
	}
}

// reply reads what the server says to a broken connection.
func (b *ledger) reply(name string, c net.Conn, want int) int {
	_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		b.t.Errorf("%s: %v", name, err)
		return 0
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != want && res.StatusCode != http.StatusHTTPVersionNotSupported || bytes.Contains(body, []byte(canary)) {
		b.t.Errorf("%s: %d %s", name, res.StatusCode, body)
	}
	return res.StatusCode
}

func (b *ledger) hold(name string, c net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = append(b.held, slow{c, name, time.Now()})
}

// close lets go of the slow connections. The server must have hung up on a
// header that takes more than twice its time, which those of a soak do.
func (b *ledger) close() {
	for _, c := range b.held {
		if c.name == "slow header" && time.Since(c.since) > 2*server.HeaderTime {
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
				b.t.Errorf("a header that does not end was waited for for %v", time.Since(c.since))
			}
		}
		_ = c.Close()
	}
}
