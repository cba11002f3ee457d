package verifier

import (
	"context"
	"fmt"
)

// Reconfigure takes new platforms in place of the old ones, all or none: what
// New would refuse changes nothing. A platform that stays keeps the identities
// it signed with until now, so that what was begun can be finished; one that is
// gone answers nothing any more, and Sweep ends its open requests and keeps its
// deadlines.
func (v *Verifier) Reconfigure(ctx context.Context, platforms []Platform) error {
	c := v.cfg
	c.Platforms = platforms
	if err := c.check(); err != nil {
		return err
	}
	next, err := newPlatforms(ctx, c)
	if err != nil {
		return err
	}
	v.configuring.Lock()
	defer v.configuring.Unlock()
	if err := v.logWeakenings(ctx, next); err != nil {
		return err
	}
	for id, old := range *v.platforms.Load() {
		if p := next[id]; p != nil {
			p.inherit(old)
		}
	}
	v.platforms.Store(&next)
	return nil
}

func newPlatforms(ctx context.Context, c Config) (map[string]*platform, error) {
	out := make(map[string]*platform, len(c.Platforms))
	for i := range c.Platforms {
		p, err := newPlatform(ctx, c.Platforms[i], &c)
		if err != nil {
			return nil, fmt.Errorf("platform %q: %w", c.Platforms[i].ID, err)
		}
		if _, twice := out[p.ID]; twice {
			return nil, fmt.Errorf("platform %q is configured twice", p.ID)
		}
		out[p.ID] = p
	}
	return out, proveAtStart(ctx, out)
}

// platform finds a platform by its id, or nil.
func (v *Verifier) platform(id string) *platform { return (*v.platforms.Load())[id] }
