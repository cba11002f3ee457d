package auditlog

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"facet/audit"
)

// A dirSource reads a published tree from its folder (audit.Source). It opens
// nothing but checkpoints, tiles and bundles.
type dirSource struct{ dir string }

func (s *dirSource) Read(_ context.Context, path string) ([]byte, error) {
	if path != audit.CheckpointPath && !audit.IsTilePath(path) {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist}
	}
	return os.ReadFile(s.file(path))
}

func (s *dirSource) file(path string) string { return filepath.Join(s.dir, filepath.FromSlash(path)) }

// mendTime takes a checkpoint file's time back to now if the clock was set back
// since it was written: Tessera publishes by the file's age, and would publish
// nothing until the clock caught up. It compares with the system's clock, as
// Tessera does.
func (s *dirSource) mendTime() error {
	now := time.Now()
	info, err := os.Stat(s.file(audit.CheckpointPath))
	if err != nil || !info.ModTime().After(now.Add(time.Second)) {
		return nil // nothing published yet, or nothing to mend
	}
	return os.Chtimes(s.file(audit.CheckpointPath), now, now)
}
