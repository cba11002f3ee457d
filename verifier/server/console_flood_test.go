package server

import (
	"context"
	"testing"
	"time"

	"facet/audit"
)

// A gate is a source whose tiles are read only when it is open.
type gate struct {
	audit.Source
	arrived, open chan struct{}
	reads         int // of checkpoints, each the beginning of a recomputation
}

func (g *gate) Read(ctx context.Context, path string) ([]byte, error) {
	if path == audit.CheckpointPath {
		g.reads++
	} else if g.open != nil {
		select {
		case g.arrived <- struct{}{}:
		default:
		}
		<-g.open
	}
	return g.Source.Read(ctx, path)
}

// TestConsoleFlood: visitors who leave while the log is recomputed do not make
// it begin anew, and those who come meanwhile see what was known before.
func TestConsoleFlood(t *testing.T) {
	r := newConsoleRig(t)
	r.add(audit.NewConfig(audit.NewID(), r.now, nil))
	g := &gate{Source: r.log.Source()}
	book, err := newConsoleBook(ConsoleConfig{Source: g, Origin: r.log.Origin(), VKey: r.log.VKey(), Now: func() time.Time { return r.now }})
	if err != nil {
		t.Fatal(err)
	}
	leave := func(open chan struct{}) (chan error, context.CancelFunc) {
		ctx, cancel := context.WithCancel(t.Context())
		g.arrived, g.open = make(chan struct{}, 1), open
		done := make(chan error, 1)
		go func() { // ends when the gate opens
			_, err := book.snapshot(ctx)
			done <- err
		}()
		<-g.arrived
		return done, cancel
	}
	open := make(chan struct{})
	done, cancel := leave(open)
	cancel()
	close(open)
	<-done
	s, err := book.snapshot(t.Context())
	if err != nil || g.reads != 1 || s.state.Size != 1 {
		t.Fatalf("after a visitor left: begun %d times, %v", g.reads, err)
	}

	r.add(audit.NewConfig(audit.NewID(), r.now, nil))
	r.now = r.now.Add(time.Hour)
	open = make(chan struct{})
	done, cancel = leave(open)
	defer cancel()
	if s, err := book.snapshot(t.Context()); err != nil || s.state.Size != 1 {
		t.Errorf("while the log is recomputed: %v", err)
	}
	close(open)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if s, err := book.snapshot(t.Context()); err != nil || s.state.Size != 2 {
		t.Errorf("afterwards: %v", err)
	}
}
