package verifier

import "time"

// Duties say what this process knows of the work nobody asks for: who sweeps,
// and what waits. They are for operators; nothing personal is in them.
type Duties struct {
	Leads    bool          // this process sweeps
	LeaseAge time.Duration // since the lease was last seen to be renewed, by whomever
	Swept    time.Time     // when this process last finished a Sweep with the lease; zero: never
	Stuck    int           // transactions whose last step failed here

	Webhooks  int           // found due at the last look, a few hundred of each platform at most; 0 without the lease
	OldestDue time.Duration // how long the oldest of them has been due
}

// Duties returns a snapshot.
func (v *Verifier) Duties() Duties {
	now := v.cfg.Now()
	d := Duties{}
	v.tenure.mu.Lock()
	if d.Leads = v.tenure.mine; !v.tenure.seen.IsZero() {
		d.LeaseAge = now.Sub(v.tenure.seen)
	}
	v.tenure.mu.Unlock()
	if at := v.worker.last.Load(); at > 0 {
		d.Swept = time.Unix(at, 0)
	}
	v.stuck.Range(func(any, any) bool { d.Stuck++; return true })
	if b := v.backlog.Load(); b != nil && b.n > 0 {
		d.Webhooks, d.OldestDue = b.n, now.Sub(b.oldest)
	}
	return d
}
