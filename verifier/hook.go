package verifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"facet/store"
)

// hookLease is how long an attempt is one process's own; longer than it takes.
const hookLease = time.Minute

// A hook is one webhook waiting, at "hook/<platform>/<unix time>/<transaction>/<state>".
type hook struct {
	Attempt int   `json:"attempt,omitempty"` // failed so far
	Until   int64 `json:"until,omitempty"`   // claimed by a process until then
	Ended   int64 `json:"ended,omitempty"`   // when the transaction took the state
}

// A hookName is what a hook's key says.
type hookName struct {
	platform string
	at       time.Time // not before
	tx       string
	state    State
}

const hookPrefix = "hook/"

func (h hookName) key() string {
	return fmt.Sprintf("%s%s/%012d/%s/%s", hookPrefix, h.platform, h.at.Unix(), h.tx, h.state)
}

func parseHook(key string) (h hookName, ok bool) {
	part := strings.Split(strings.TrimPrefix(key, hookPrefix), "/")
	if len(part) == 3 { // written before each platform had hooks of its own
		part = append([]string{part[0]}, part...)
	}
	if len(part) != 4 {
		return hookName{}, false
	}
	seconds, err := strconv.ParseInt(part[1], 10, 64)
	return hookName{part[0], time.Unix(seconds, 0), part[2], State(part[3])}, err == nil
}

// announce queues the webhook of a state before the transaction takes it, under
// a name that is the same whenever this step is repeated.
func (v *Verifier) announce(ctx context.Context, t *transaction, s State, at time.Time) error {
	if t.platform == nil || t.platform.Webhook == nil {
		return nil
	}
	key := hookName{t.Platform, at, t.ID, s}.key()
	_, err := v.swapHook(ctx, key, 0, hook{Ended: at.Unix()})
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return unavailable("queue webhook", err)
	}
	select {
	case v.announced <- key:
	default: // too many at once: they are found where they are stored
	}
	return nil
}

// comesTo reports whether the transaction is about to take the state.
func (t *transaction) comesTo(s State) bool {
	switch t.State {
	case Accepted, Logged:
		return s == Released
	case Withdrawing:
		return s == Withdrawn
	}
	return false
}

func (v *Verifier) swapHook(ctx context.Context, key string, old store.Version, h hook) (store.Version, error) {
	raw, err := json.Marshal(h)
	if err != nil {
		return 0, err
	}
	return v.cfg.Store.Swap(ctx, key, old, raw)
}

// A sent says what became of one webhook in one attempt.
type sent struct {
	early bool // its transaction is not there yet
	tried bool // the platform's server was asked
	taken bool // and took it
	err   error
}

// sendHook claims one webhook and sends it, unless it is somebody else's, or too
// early or too late for it.
func (v *Verifier) sendHook(ctx context.Context, key string) sent {
	name, ok := parseHook(key)
	if !ok {
		return sent{err: v.remove(ctx, key)}
	}
	raw, version, err := v.cfg.Store.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return sent{}
	}
	var h hook
	if err == nil {
		err = json.Unmarshal(raw, &h)
	}
	if err != nil {
		return sent{err: unavailable("read webhook", err)}
	}
	now := v.cfg.Now()
	if now.Before(time.Unix(h.Until, 0)) || now.Before(name.at) {
		return sent{}
	}
	w, early, err := v.wanted(ctx, name, &h)
	switch {
	case err != nil || early:
		return sent{early: early, err: err}
	case w == nil:
		v.cfg.CountWebhook("superseded")
		return sent{err: v.remove(ctx, key)}
	}
	h.Until = now.Add(hookLease).Unix()
	if version, err = v.swapHook(ctx, key, version, h); errors.Is(err, store.ErrConflict) {
		return sent{} // another process has it
	}
	if err != nil {
		return sent{err: unavailable("claim webhook", err)}
	}
	d := v.post(ctx, w, name, time.Unix(h.Ended, 0))
	if !d.taken && ctx.Err() != nil {
		return sent{} // stopped halfway: whoever comes next sends it
	}
	return sent{tried: true, taken: d.taken, err: v.settle(ctx, key, version, h, d)}
}

// wanted returns where to send it, or nil if it says what is no longer so or
// nobody listens. An ending holds although its transaction is forgotten; a
// result that is gone is not announced.
func (v *Verifier) wanted(ctx context.Context, name hookName, h *hook) (w *Webhook, early bool, err error) {
	t, err := v.load(ctx, name.tx)
	switch {
	case reasonOf(err, "") == ReasonUnknown && name.state != Released:
		if p := v.platform(name.platform); p != nil {
			return p.Webhook, false, nil
		}
		return nil, false, nil
	case reasonOf(err, "") == ReasonUnknown:
		return nil, false, nil
	case err != nil:
		return nil, false, err
	case t.comesTo(name.state):
		return nil, true, nil
	case t.State != name.state || t.platform == nil:
		return nil, false, nil
	}
	h.Ended = t.endedAt().Unix()
	return t.platform.Webhook, false, nil
}

// settle notes what came of an attempt: the next one is stored before this one
// is deleted.
func (v *Verifier) settle(ctx context.Context, key string, version store.Version, h hook, d delivery) error {
	outcome := "delivered"
	switch {
	case d.taken:
	case d.gone || h.Attempt >= len(hookRetries):
		outcome = "dropped"
	default:
		outcome = "retried"
		next, _ := parseHook(key)
		next.at = v.cfg.Now().Add(max(v.jittered(key, hookRetries[h.Attempt]), d.wait))
		_, err := v.swapHook(ctx, next.key(), 0, hook{Attempt: h.Attempt + 1, Ended: h.Ended})
		if err != nil && !errors.Is(err, store.ErrConflict) {
			return unavailable("queue webhook", err)
		}
	}
	v.cfg.CountWebhook(outcome)
	if err := v.cfg.Store.Delete(ctx, key, version); err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrConflict) {
		return unavailable("delete webhook", err)
	}
	return nil
}

// jittered makes a delay up to a fifth longer, differently for each hook: what
// failed together need not come back together.
func (v *Verifier) jittered(key string, d time.Duration) time.Duration {
	return d + d/5*time.Duration(v.ids.sum("jitter/" + key)[0])/256
}
