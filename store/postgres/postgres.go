// Package postgres is the storage backend that many processes share: one table
// in PostgreSQL, or in a distributed engine that speaks its protocol. It is the
// only door to pgx.
//
// It does not encrypt, and PostgreSQL keeps what was deleted: in the table
// until it is vacuumed, in the write-ahead log until that is recycled, in
// archives and replicas for as long as those are kept. Config.Forget shortens
// the first; docs/operating.md says what to do about the others.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"facet/store"
)

// Format is the newest table format this code reads and the one it writes.
const Format = 1

// page is how many keys Keys reads in one query.
const page = 256

// connectTimeout bounds one attempt to reach the server.
const connectTimeout = 5 * time.Second

// ErrNewerFormat says that a newer Facet wrote the table.
var ErrNewerFormat = errors.New("the table was written by a newer version of facet; use that one")

// Config says where the table is.
type Config struct {
	URL    string        // postgres://…; pool_max_conns and TLS settings as in libpq
	Table  string        // empty: "facet"; lower-case letters, digits and underscores
	Forget time.Duration // how long deleted values may stay in the table's file; zero: as long as PostgreSQL likes
}

// A DB is a store.Store in one table. Many processes may open it at once.
type DB struct {
	pool   *pgxpool.Pool
	sql    statements
	forget time.Duration
	closed atomic.Bool

	mu    sync.Mutex  // guards timer
	timer *time.Timer // runs Compact once something was deleted
}

var tableName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,40}$`)

// Open connects, and makes the table on first use. The server must accept
// writes: a replica is refused.
func Open(ctx context.Context, c Config) (*DB, error) {
	if c.Table == "" {
		c.Table = "facet"
	}
	if !tableName.MatchString(c.Table) {
		return nil, errors.New("postgres: a table's name is lower-case letters, digits and underscores")
	}
	pool, err := connect(ctx, c.URL)
	if err != nil {
		return nil, err
	}
	d := &DB{pool: pool, sql: statementsOf(c.Table), forget: c.Forget}
	if err := d.prepare(ctx, c.Table); err != nil {
		pool.Close()
		return nil, fmt.Errorf("postgres: open table %s: %w", c.Table, err)
	}
	if d.forget > 0 { // what a crash left behind
		if err := d.Compact(ctx); err != nil {
			pool.Close()
			return nil, err
		}
	}
	return d, nil
}

func connect(ctx context.Context, url string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("postgres: the address is malformed") // pgx's words may quote the password
	}
	cfg.ConnConfig.ConnectTimeout = connectTimeout
	cfg.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	cfg.ConnConfig.RuntimeParams["application_name"] = "facet"
	cfg.ConnConfig.RuntimeParams["synchronous_commit"] = "on"
	cfg.ConnConfig.RuntimeParams["default_transaction_isolation"] = "read committed"
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return pool, nil
}

// prepare makes table and sequence, one process at a time, and checks the
// format, which is the table's comment.
func (d *DB) prepare(ctx context.Context, table string) error {
	return pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('facet/' || $1))`, table); err != nil {
			return err
		}
		var there bool
		var comment *string
		err := tx.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL, obj_description(to_regclass($1), 'pg_class')`, table).Scan(&there, &comment)
		switch {
		case err != nil:
			return err
		case !there:
			_, err := tx.Exec(ctx, d.sql.create)
			return err
		case comment == nil || *comment != d.sql.format:
			return ErrNewerFormat
		}
		return nil
	})
}

// Close waits for running calls and closes all connections.
func (d *DB) Close() error {
	if d.closed.Swap(true) {
		return nil
	}
	d.mu.Lock()
	pending := d.timer != nil && d.timer.Stop()
	d.mu.Unlock()
	var err error
	if pending {
		ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
		defer cancel()
		err = d.compact(ctx)
	}
	d.pool.Close()
	return err
}

// Ping reports whether the server answers.
func (d *DB) Ping(ctx context.Context) error {
	return d.fail(ctx, d.pool.Ping(ctx))
}

// Clock returns the server's time.
func (d *DB) Clock(ctx context.Context) (now time.Time, err error) {
	err = d.pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now)
	return now, d.fail(ctx, err)
}

// Get implements store.Store.
func (d *DB) Get(ctx context.Context, key string) (value []byte, v store.Version, err error) {
	if err := d.usable(ctx); err != nil {
		return nil, 0, err
	}
	err = d.pool.QueryRow(ctx, d.sql.get, []byte(key)).Scan(&value, &v)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, 0, store.ErrNotFound
	}
	if err != nil {
		return nil, 0, d.fail(ctx, err)
	}
	return value, v, nil
}

// Swap implements store.Store.
func (d *DB) Swap(ctx context.Context, key string, old store.Version, value []byte) (v store.Version, err error) {
	if err := store.CheckSize(key, value); err != nil {
		return 0, err
	}
	if err := d.usable(ctx); err != nil {
		return 0, err
	}
	if value == nil {
		value = []byte{} // nil would be NULL
	}
	if old == 0 {
		v, err = d.insert(ctx, key, value)
	} else {
		err = d.pool.QueryRow(ctx, d.sql.update, []byte(key), int64(old), value).Scan(&v)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, store.ErrConflict
	}
	if err != nil {
		return 0, d.fail(ctx, err)
	}
	return v, nil
}

// insert creates a key in two statements of one transaction and round trip: a
// version drawn before the row is ours could be smaller than one the key had
// before somebody deleted it a moment ago.
func (d *DB) insert(ctx context.Context, key string, value []byte) (v store.Version, err error) {
	b := &pgx.Batch{}
	b.Queue(d.sql.claim, []byte(key), value)
	b.Queue(d.sql.number, []byte(key)).QueryRow(func(row pgx.Row) error { return row.Scan(&v) })
	return v, d.pool.SendBatch(ctx, b).Close()
}

// Delete implements store.Store.
func (d *DB) Delete(ctx context.Context, key string, old store.Version) error {
	if err := d.usable(ctx); err != nil {
		return err
	}
	done, err := d.pool.Exec(ctx, d.sql.remove, []byte(key), int64(old))
	if err != nil {
		return d.fail(ctx, err)
	}
	if done.RowsAffected() == 1 {
		d.forgetLater()
		return nil
	}
	if _, _, err := d.Get(ctx, key); err != nil {
		return err
	}
	return store.ErrConflict
}

// Keys implements store.Store. It reads pages of keys, each by a query of its
// own that ends before the first key is yielded.
func (d *DB) Keys(ctx context.Context, prefix, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for {
			keys, err := d.page(ctx, prefix, after)
			if err != nil {
				yield("", err)
				return
			}
			for _, key := range keys {
				if !yield(string(key), nil) {
					return
				}
			}
			if len(keys) < page {
				return
			}
			after = string(keys[len(keys)-1])
		}
	}
}

func (d *DB) page(ctx context.Context, prefix, after string) ([][]byte, error) {
	if err := d.usable(ctx); err != nil {
		return nil, err
	}
	rows, err := d.pool.Query(ctx, d.sql.page, []byte(after), []byte(prefix), prefixEnd(prefix), page)
	if err != nil {
		return nil, d.fail(ctx, err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, d.fail(ctx, err)
	}
	return keys, nil
}

// prefixEnd is the first key behind all that begin with prefix, or nil if
// there is none.
func prefixEnd(prefix string) []byte {
	end := []byte(prefix)
	for len(end) > 0 && end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	if len(end) == 0 {
		return nil
	}
	end[len(end)-1]++
	return end
}

// usable reports why no call may start now.
func (d *DB) usable(ctx context.Context) error {
	if d.closed.Load() {
		return store.ErrClosed
	}
	return ctx.Err()
}

// fail tells an ended context and a closed store from trouble with the server.
func (d *DB) fail(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case d.closed.Load():
		return store.ErrClosed
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("postgres: %w", err)
}

// Check connects like Open, changes nothing, and returns the server's time.
func Check(ctx context.Context, url string) (now time.Time, err error) {
	pool, err := connect(ctx, url)
	if err != nil {
		return now, err
	}
	defer pool.Close()
	if err := pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now); err != nil {
		return now, fmt.Errorf("postgres: %w", err)
	}
	return now, nil
}
