package interop

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
)

// A child is a Node process that answers one JSON line for each it reads.
type child struct {
	mu  sync.Mutex // one request at a time
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// errPeer is what the other implementation threw: its refusal.
type errPeer struct{ message string }

func (e *errPeer) Error() string { return "peer: " + e.message }

// needNode fails the test, with what to do, where Node or the peers are missing.
func needNode(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatal("Node is missing: these tests run JavaScript peers. Install Node 20 or later with npm (Debian, Ubuntu: apt-get install nodejs npm), then call test/scripts/interop")
	}
	if _, err := os.Stat("node_modules/@sd-jwt/sd-jwt-vc"); err != nil {
		t.Fatal("the JavaScript peers are not installed: call test/scripts/interop, which does it first")
	}
}

func startChild(script string) (*child, error) {
	cmd := exec.Command("node", script)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &child{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 1<<20)}, nil
}

// call sends one request and reads its answer into result. What the peer threw
// comes back as *errPeer; any other error means that the process is broken.
func (c *child) call(request map[string]any, result any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	line, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if _, err := c.in.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("node does not read: %w", err)
	}
	text, err := c.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("node does not answer: %w", err)
	}
	var answer struct {
		Result json.RawMessage
		Error  *string
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("node's answer: %w", err)
	}
	if answer.Error != nil {
		return &errPeer{*answer.Error}
	}
	if answer.Result == nil {
		return errors.New("node answered nothing")
	}
	return json.Unmarshal(answer.Result, result)
}

// stop ends the process by closing its input, which is its sign to leave.
func (c *child) stop() error {
	c.in.Close()
	return c.cmd.Wait()
}
