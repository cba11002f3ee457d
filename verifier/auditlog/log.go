package auditlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"facet/audit"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
)

// Intervals of a log, if Config leaves them zero.
const (
	DefaultInterval  = 200 * time.Millisecond // a grown tree is signed this often
	DefaultRepublish = 10 * time.Second       // an unchanged one is signed again
	minInterval      = 100 * time.Millisecond // Tessera's least
)

// How Tessera batches. The batches are made here (Log.extend), one at a time and
// handed over at once; Tessera must not wait for more.
const (
	batchEntries = 1024
	batchAge     = time.Millisecond
	maxPending   = 16 * batchEntries // in the journal and not in the tree
	closeTimeout = 10 * time.Second
)

// Files and folders below Config.Dir.
const (
	treeDir   = "log"         // the published tree; nothing else may be served
	journaled = "journal"     // entries on their way there
	keyFile   = "log.key"     // 0600
	guardFile = "last-signed" // the last checkpoint signed
	lockFile  = "writer.lock"
	treeState = ".state/treeState" // Tessera's, below treeDir
)

// A Config says where a log is and how often it signs.
type Config struct {
	Dir       string
	Origin    string           // the log's name, e.g. "verifier.example/log"
	Interval  time.Duration    // 0 = DefaultInterval
	Republish time.Duration    // 0 = DefaultRepublish
	GuardDir  string           // another disk for the last signed checkpoint; "" = Dir
	Now       func() time.Time // nil = time.Now, for the timestamp on checkpoints
}

// A Log is the open log of one folder. It is safe for many goroutines.
type Log struct {
	origin    string
	key       *logKey
	src       *dirSource
	lock      *os.File
	trust     *audit.Trust
	guard     *guard
	appender  *tessera.Appender
	shutdown  func(context.Context) error
	reader    tessera.LogReader
	cancel    context.CancelFunc // ends Tessera's goroutines
	now       func() time.Time
	interval  time.Duration
	republish time.Duration

	journal     *journal
	integrating sync.Mutex    // held while the tree grows
	stop        chan struct{} // closed by Close: integrateUntil ends

	mu         sync.Mutex        // guards the fields below
	checkpoint *audit.Checkpoint // the last one read and verified
	closed     bool

	index index
}

// Open opens the log in cfg.Dir and makes it on first use. It returns ErrLocked
// while another process has it, and ErrLost if entries that were signed for are
// missing. The caller must Close it.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	l, err := open(ctx, cfg)
	if err != nil {
		return nil, failed("opening "+cfg.Dir, err)
	}
	return l, nil
}

func open(ctx context.Context, cfg Config) (_ *Log, err error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	quiet()
	l := &Log{
		origin: cfg.Origin, src: &dirSource{filepath.Join(cfg.Dir, treeDir)},
		now: cfg.Now, interval: cfg.Interval, republish: cfg.Republish, stop: make(chan struct{}),
	}
	if l.lock, err = takeLock(filepath.Join(cfg.Dir, lockFile)); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			l.lock.Close()
		}
	}()
	if l.key, err = openKey(filepath.Join(cfg.Dir, keyFile), cfg.Origin); err != nil {
		return nil, err
	}
	if l.trust, err = audit.TrustLog(l.key.vkey, cfg.Origin); err != nil {
		return nil, err
	}
	if l.guard, err = openGuard(l.key, filepath.Join(cfg.GuardDir, guardFile), l.src); err != nil {
		return nil, err
	}
	if err := l.checkTree(ctx, l.guard); err != nil {
		return nil, err
	}
	if err := l.start(l.guard); err != nil {
		return nil, err
	}
	if l.journal, err = openJournal(filepath.Join(cfg.Dir, journaled)); err == nil {
		err = l.index.read(ctx, l)
	}
	if err != nil {
		l.cancel()
		return nil, err
	}
	go l.write() // until Close, as the next
	go l.integrateUntil(l.stop)
	return l, nil
}

func (cfg *Config) complete() error {
	if cfg.Dir == "" || cfg.Origin == "" {
		return errors.New("a log needs a folder and an origin")
	}
	if cfg.Interval == 0 {
		cfg.Interval = DefaultInterval
	}
	if cfg.Republish == 0 {
		cfg.Republish = max(DefaultRepublish, cfg.Interval)
	}
	if cfg.Interval < minInterval || cfg.Republish < cfg.Interval {
		return fmt.Errorf("a log signs at most every %v, and again no sooner than it signs", minInterval)
	}
	if cfg.GuardDir == "" {
		cfg.GuardDir = cfg.Dir
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return nil
}

// takeLock makes this process the log's only writer until the file is closed.
// flock belongs to the open file, so a second Open in this process fails too.
func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, ErrLocked
	}
	return f, nil
}

// checkTree refuses to go on with a tree that lacks what was signed for. It
// runs before Tessera, which would start an empty tree without a word.
func (l *Log) checkTree(ctx context.Context, g *guard) error {
	b, err := l.src.Read(ctx, audit.CheckpointPath)
	switch {
	case errors.Is(err, fs.ErrNotExist) && (g.last == nil || g.last.Size() == 0):
		return nil // a new log, or one that was killed before it published that it is empty
	case errors.Is(err, fs.ErrNotExist):
		return ErrLost
	case err != nil:
		return err
	}
	published, err := l.trust.Checkpoint(b)
	if err != nil {
		return err
	}
	if _, err := os.Stat(l.src.file(treeState)); errors.Is(err, fs.ErrNotExist) {
		return ErrLost
	}
	if g.last == nil { // the guard's disk is new: it remembers from here on
		return g.remember(published)
	}
	// A kill may leave the guard one checkpoint ahead of what is published.
	if published.Size() < g.last.Size() {
		if err := audit.Consistent(ctx, l.src, published, g.last); err != nil {
			return fmt.Errorf("%w (%w)", ErrLost, err)
		}
		return nil
	}
	if err := audit.Consistent(ctx, l.src, g.last, published); err != nil {
		return fmt.Errorf("%w (%w)", ErrLost, err)
	}
	return nil
}

// start hands the folder to Tessera. Its goroutines end with l.cancel.
func (l *Log) start(g *guard) error {
	ctx, cancel := context.WithCancel(context.Background())
	driver, err := posix.New(ctx, posix.Config{Path: l.src.dir})
	if err != nil {
		cancel()
		return err
	}
	if err := l.src.mendTime(); err != nil {
		cancel()
		return err
	}
	clock := &steadyClock{now: l.now}
	opts := tessera.NewAppendOptions().
		WithCheckpointSigner(g, audit.NewCosigner(l.origin, l.key.private, clock.read)).
		WithCheckpointInterval(l.interval).
		WithCheckpointRepublishInterval(l.republish).
		WithBatching(batchEntries, batchAge).
		WithShutdownTimeout(closeTimeout)
	l.appender, l.shutdown, l.reader, err = tessera.NewAppender(ctx, driver, opts)
	if err != nil {
		cancel()
		return err
	}
	l.cancel = cancel
	size, err := l.reader.IntegratedSize(ctx)
	if err == nil && size < g.size() {
		err = ErrLost
	}
	if err != nil {
		cancel()
	}
	return err
}

// VKey is the log's verifier key (C2SP signed-note).
func (l *Log) VKey() string { return l.key.vkey }

// Origin is the log's name.
func (l *Log) Origin() string { return l.origin }

// Source reads what the log publishes.
func (l *Log) Source() audit.Source { return l.src }

// Close waits until everything acknowledged is under a published checkpoint,
// and gives the folder free. Append fails afterwards.
func (l *Log) Close() error {
	l.mu.Lock()
	twice := l.closed
	l.closed = true
	l.mu.Unlock()
	if twice {
		return nil
	}
	l.index.close() // returns when no Append is under way
	close(l.stop)
	err := errors.Join(l.integrate(), l.shutdown(context.Background()))
	l.cancel()
	err = errors.Join(err, l.lock.Close())
	if err != nil {
		return failed("closing", err)
	}
	return nil
}
