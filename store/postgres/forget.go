package postgres

import (
	"context"
	"fmt"
	"time"
)

// Compact rewrites the table without what was deleted. Readers and writers
// wait meanwhile, so it is for small tables: keys, not what they seal.
func (d *DB) Compact(ctx context.Context) error {
	if err := d.usable(ctx); err != nil {
		return err
	}
	return d.compact(ctx)
}

func (d *DB) compact(ctx context.Context) error {
	if _, err := d.pool.Exec(ctx, d.sql.rewrite); err != nil {
		return fmt.Errorf("postgres: rewrite the table: %w", err)
	}
	return nil
}

// forgetLater makes sure that a rewrite follows within the delay.
func (d *DB) forgetLater() {
	if d.forget <= 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer == nil && !d.closed.Load() {
		d.timer = time.AfterFunc(d.forget, d.forgetNow)
	}
}

// forgetNow is the timer's end. If the server is away, it tries again.
func (d *DB) forgetNow() {
	d.mu.Lock()
	d.timer = nil
	d.mu.Unlock()
	if d.Compact(context.Background()) != nil {
		d.forgetLater()
	}
}
