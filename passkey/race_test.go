package passkey

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

// TestCeremoniesOnce ends one ceremony a hundred times at once: a passkey is
// registered once, and one sign-in comes of one challenge.
func TestCeremoniesOnce(t *testing.T) {
	r, k := newRig(t), newKey()
	atOnce := func(name string, finish func() (*SignedIn, error)) {
		t.Helper()
		var done atomic.Int64
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				_, err := finish()
				var refused *Error
				switch {
				case err == nil:
					done.Add(1)
				case !errors.As(err, &refused) || refused.Reason() != ReasonInvalid:
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		wg.Wait()
		if done.Load() != 1 {
			t.Errorf("%s: %d of 100 at once went through", name, done.Load())
		}
	}
	ctx := context.Background()
	b, err := r.BeginRegistration(ctx, "")
	check(t, err)
	answer := k.Register(b.Options)
	atOnce("registration", func() (*SignedIn, error) { return r.FinishRegistration(ctx, b.Ceremony, answer) })
	b, err = r.BeginLogin(ctx)
	check(t, err)
	answer = k.Assert(b.Options)
	atOnce("sign-in", func() (*SignedIn, error) { return r.FinishLogin(ctx, b.Ceremony, answer) })
}
