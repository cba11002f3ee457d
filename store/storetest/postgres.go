//go:build unix

package storetest

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// NoPostgres is the environment variable that lets tests leave PostgreSQL out,
// loudly, where it cannot be installed.
const NoPostgres = "FACET_NO_POSTGRES"

// A Postgres is a PostgreSQL server of the test's own: the system's binaries
// on an empty folder, reachable through a socket in it and nothing else.
type Postgres struct {
	URL      string
	Dir      string // everything it stores is below
	bin      string
	settings []string
	cmd      *exec.Cmd
}

// StartPostgres starts a server that ends with the test. Without PostgreSQL on
// this machine the test fails, or is left out if NoPostgres is set. It does not
// flush to disk, which only guards against losing power, unless a setting says
// so ("fsync=on").
func StartPostgres(t testing.TB, settings ...string) *Postgres {
	t.Helper()
	bin := postgresBin()
	if bin == "" && os.Getenv(NoPostgres) == "1" {
		fmt.Fprintf(os.Stderr, "\n*** %s LEFT OUT: there is no PostgreSQL and %s=1 ***\n\n", t.Name(), NoPostgres)
		t.Skip("there is no PostgreSQL")
	}
	if bin == "" {
		t.Fatalf("there is no PostgreSQL here: test/scripts/need-postgres installs it, %s=1 leaves these tests out", NoPostgres)
	}
	dir, err := os.MkdirTemp("", "facet-pg-") // not t.TempDir: the server's user must reach it, and sockets need short names
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	p := &Postgres{Dir: dir, bin: bin, settings: settings}
	p.URL = "postgres:///postgres?" + url.Values{"host": {dir}, "user": {"facet"}}.Encode()
	if id := serverUser(); id != nil {
		if err := os.Chown(dir, int(id.Uid), int(id.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	out, err := p.command("initdb", "-D", filepath.Join(dir, "data"), "-U", "facet", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync").CombinedOutput()
	if err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	p.Start(t)
	t.Cleanup(func() { p.end(syscall.SIGINT) })
	return p
}

// Start starts the server again after Kill.
func (p *Postgres) Start(t testing.TB) {
	t.Helper()
	args := []string{"-D", filepath.Join(p.Dir, "data"), "-k", p.Dir}
	for _, setting := range append([]string{"listen_addresses=", "fsync=off"}, p.settings...) {
		args = append(args, "-c", setting)
	}
	p.cmd = p.command("postgres", args...)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if p.command("pg_isready", "-q", "-h", p.Dir).Run() == nil {
			return
		}
		if time.Now().After(deadline) {
			p.end(syscall.SIGQUIT)
			t.Fatal("PostgreSQL does not get ready")
		}
	}
}

// Exec runs SQL past everything under test.
func (p *Postgres) Exec(sql string) error {
	out, err := p.command("psql", "-h", p.Dir, "-U", "facet", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-c", sql).CombinedOutput()
	if err != nil {
		return fmt.Errorf("psql: %w: %s", err, out)
	}
	return nil
}

// DumpInto makes a database, restores a dump of the tables into it, and
// returns its address.
func (p *Postgres) DumpInto(database, tables string) (string, error) {
	if err := p.Exec("CREATE DATABASE " + database); err != nil {
		return "", err
	}
	file := filepath.Join(p.Dir, database+".sql")
	for _, c := range []*exec.Cmd{
		p.command("pg_dump", "-h", p.Dir, "-U", "facet", "--table", tables, "-f", file, "postgres"),
		p.command("psql", "-h", p.Dir, "-U", "facet", "-d", database, "-q", "-v", "ON_ERROR_STOP=1", "-f", file),
	} {
		if out, err := c.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%s: %w: %s", c.Path, err, out)
		}
	}
	return "postgres:///" + database + "?" + url.Values{"host": {p.Dir}, "user": {"facet"}}.Encode(), nil
}

// Kill ends the server without letting it finish anything.
func (p *Postgres) Kill() { p.end(syscall.SIGQUIT) }

func (p *Postgres) end(s syscall.Signal) {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(s) // it may have ended already
	_ = p.cmd.Wait()            // ended by a signal, as asked
	p.cmd = nil
}

func (p *Postgres) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(p.bin, name), args...)
	c.Dir = p.Dir
	if id := serverUser(); id != nil {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: id}
	}
	return c
}

// postgresBin is the folder of the newest server, or "".
func postgresBin() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is well-formed
	slices.Sort(found)
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1])
	}
	if p, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(p)
	}
	return ""
}

// serverUser is who runs the server: PostgreSQL refuses root. Nil: ourselves.
func serverUser() *syscall.Credential {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), NoSetGroups: true}
		}
	}
	return nil
}
