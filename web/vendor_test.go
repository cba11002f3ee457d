package web

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

func TestVendoredLitIsTheRecordedOne(t *testing.T) {
	module, err := os.ReadFile("vendor/lit.js")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("vendor/README.md")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(module)
	if !strings.Contains(string(readme), "`"+hex.EncodeToString(sum[:])+"`") {
		t.Fatalf("vendor/lit.js has SHA-256 %x, which vendor/README.md does not record", sum)
	}
}

func TestLockfileRecordsNoRegistry(t *testing.T) {
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(lock), `"resolved"`) {
		t.Fatal("package-lock.json records registry addresses; .npmrc asks npm to leave them out")
	}
}
