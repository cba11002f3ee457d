package auditlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"facet/audit"

	"golang.org/x/mod/sumdb/note"
)

// A guard is the log's signer. Before it signs a checkpoint it proves that the
// new tree extends the last one it signed, and it stores the new one on disk
// before the signature leaves it. The file is the log's memory of what it has
// promised the world; it lives outside the tree's folder.
type guard struct {
	key  *logKey
	path string
	src  audit.Source
	log  *audit.Trust

	mu      sync.Mutex
	last    *audit.Checkpoint // nil before the first signature
	refusal error             // why the newest tree was not signed
}

func openGuard(key *logKey, path string, src audit.Source) (*guard, error) {
	log, err := audit.TrustLog(key.vkey, key.signer.Name())
	if err != nil {
		return nil, err
	}
	g := &guard{key: key, path: path, src: src, log: log}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return g, nil
	}
	if err != nil {
		return nil, err
	}
	g.last, err = log.Checkpoint(b)
	return g, err
}

func (g *guard) Name() string    { return g.key.signer.Name() }
func (g *guard) KeyHash() uint32 { return g.key.signer.KeyHash() }

// Sign signs the text of a checkpoint (note.Signer).
func (g *guard) Sign(msg []byte) ([]byte, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	sig, err := g.sign(msg)
	g.refusal = err
	return sig, err
}

func (g *guard) sign(msg []byte) ([]byte, error) {
	sig, err := g.key.signer.Sign(msg)
	if err != nil {
		return nil, err
	}
	if g.last != nil && bytes.HasPrefix(g.last.Note(), append(bytes.Clone(msg), '\n')) {
		return sig, nil // the same tree again
	}
	signed, err := note.Sign(&note.Note{Text: string(msg)}, g.key.signer)
	if err != nil {
		return nil, err
	}
	next, err := g.log.Checkpoint(signed)
	if err != nil {
		return nil, err
	}
	if g.last != nil {
		if err := audit.Consistent(context.Background(), g.src, g.last, next); err != nil {
			return nil, fmt.Errorf("refusing to sign: %w", err)
		}
	}
	if err := g.remember(next); err != nil {
		return nil, err
	}
	return sig, nil
}

// remember stores what was signed. The caller holds mu, or is Open.
func (g *guard) remember(c *audit.Checkpoint) error {
	if err := writeSynced(g.path, c.Note(), 0o644); err != nil {
		return err
	}
	g.last = c
	return nil
}

// refused returns why the newest tree was not signed, or nil.
func (g *guard) refused() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refusal
}

// size returns how many entries the last signed checkpoint has.
func (g *guard) size() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.last == nil {
		return 0
	}
	return g.last.Size()
}

// A steadyClock never goes back, so neither do the times of signatures.
type steadyClock struct {
	now  func() time.Time
	mu   sync.Mutex
	last time.Time
}

func (c *steadyClock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t := c.now(); t.After(c.last) {
		c.last = t
	}
	return c.last
}
