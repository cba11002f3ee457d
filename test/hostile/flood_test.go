package hostile

import (
	"context"
	"path"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"facet/audit"
	"facet/verifier"
)

// TestFloodOfOnePlatform (soak) has 256 callers answer one platform's requests
// with what does not decrypt, as fast as they can and held by no budget, and
// another platform's be answered meanwhile: those take a second at most, at p99, or on a machine that
// is busy otherwise ten times what they take without a flood. Without turns for
// each platform they took four seconds, 260 times as long.
func TestFloodOfOnePlatform(t *testing.T) {
	if !soak {
		t.Skip("takes all of the machine for half a minute; set FACET_SOAK=1")
	}
	s := newSiege(t)
	s.invite(48)
	var quiet, flooded phase
	quiet.add(func() []time.Duration { return s.answers(200) })
	ctx, stop := context.WithCancel(t.Context())
	var flood sync.WaitGroup
	var sent atomic.Int64
	for i := range 256 {
		v := s.victims[i%16*3+1] // not answered yet
		jwe := []byte(formValue(v.seal()))
		jwe[len(jwe)-5] ^= 1
		body := form(string(jwe))
		flood.Go(func() {
			for ; ctx.Err() == nil; sent.Add(1) {
				if _, err := s.engine.Finish(ctx, v.response(body)); err == nil {
					t.Error("what does not decrypt was taken")
				}
			}
		})
	}
	flooded.add(func() []time.Duration { return s.answers(200) })
	stop()
	flood.Wait()
	t.Logf("answers of another platform: %v; among %d hostile ones: %v", &quiet, sent.Load(), &flooded)
	if most := max(time.Second, 10*quiet.p(99)); flooded.p(99) > most {
		t.Errorf("p99 %v, want %v at most", flooded.p(99), most)
	}
}

// answers makes n answers for another platform, one after the other, without
// HTTP, and returns how long the engine took to finish each.
func (s *siege) answers(n int) (took []time.Duration) {
	for range n {
		b, err := s.engine.Begin(s.t.Context(), verifier.BeginRequest{Platform: "paper1", Policy: "access", Flow: audit.CrossDevice})
		check(s.t, err)
		jar, err := s.engine.RequestObject(s.t.Context(), path.Base(b.RequestURI), "")
		check(s.t, err)
		r, err := s.w.open(b.ID, b.ClientID, jar, time.Now())
		check(s.t, err)
		body := r.seal()
		start := time.Now()
		_, err = s.engine.Finish(s.t.Context(), r.response(body))
		check(s.t, err)
		took = append(took, time.Since(start))
	}
	return took
}
