package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"

	"github.com/andybalholm/brotli"

	"facet/web"
)

// smallest is the size below which compressing is not worth a file.
const smallest = 512

// compress makes the .br and .gz of every asset, unless the last run made them
// from the same content with at least this quality.
func (b *build) compress() error {
	for name, a := range b.manifest.Files {
		if a.Size < smallest {
			continue
		}
		if old := b.before.Files[name]; old.Integrity == a.Integrity && old.Path == a.Path && old.Quality >= b.quality && b.there(old) {
			b.manifest.Files[name] = old
			continue
		}
		if err := b.pack(name, a); err != nil {
			return err
		}
	}
	return nil
}

func (b *build) there(a web.Asset) bool {
	for ext, size := range map[string]int64{".br": a.Brotli, ".gz": a.Gzip} {
		info, err := os.Stat(filepath.Join(b.dist, filepath.FromSlash(a.Path)) + ext)
		if err != nil || info.Size() != size {
			return false
		}
	}
	return true
}

func (b *build) pack(name string, a web.Asset) error {
	var br, gz bytes.Buffer
	w := brotli.NewWriterLevel(&br, b.quality)
	if _, err := w.Write(b.content[a.Path]); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(&gz, min(b.quality, gzip.BestCompression))
	if err != nil {
		return err
	}
	if _, err := z.Write(b.content[a.Path]); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	a.Brotli, a.Gzip, a.Quality = int64(br.Len()), int64(gz.Len()), b.quality
	b.manifest.Files[name] = a
	if err := b.write(a.Path+".br", br.Bytes()); err != nil {
		return err
	}
	return b.write(a.Path+".gz", gz.Bytes())
}
