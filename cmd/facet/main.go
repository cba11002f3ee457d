// Command facet is the one binary of Facet: demo, wallet, verifier, log,
// issuer, policy, audit, inspect and doctor.
//
// It is an edge: it reads flags, files and the terminal, calls the engines and
// turns their errors into sentences and exit codes. It holds no rule of any
// protocol.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
)

// A command is one word after "facet".
type command struct {
	name, args, short, long string
	run                     func(ctx context.Context, env *environ, args []string) error
}

// environ is what a command may touch of the terminal it runs in.
type environ struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	colour         bool // stdout is a terminal and NO_COLOR is unset
}

// An exitError carries an exit code other than 1, or an error whose message has
// been printed already (err nil).
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// errUsage says that the words of the call were off: exit code 2.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends it at once
	code := run(ctx, newEnviron(ctx), os.Args[1:])
	stop()
	os.Exit(code)
}

// newEnviron is the terminal facet was started in.
func newEnviron(ctx context.Context) *environ {
	colour := false
	if fi, err := os.Stdout.Stat(); err == nil {
		colour = fi.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return &environ{stdin: &keyboard{ctx: ctx, from: os.Stdin}, stdout: os.Stdout, stderr: os.Stderr, colour: colour}
}

// A keyboard is standard input that Ctrl-C interrupts: what waits for a code or
// a yes must not wait on. The read that was left behind ends with the process.
type keyboard struct {
	ctx  context.Context
	from io.Reader
}

func (k *keyboard) Read(p []byte) (int, error) {
	type read struct {
		text []byte
		err  error
	}
	done := make(chan read, 1)
	go func() {
		text := make([]byte, len(p))
		n, err := k.from.Read(text)
		done <- read{text[:n], err}
	}()
	select {
	case <-k.ctx.Done():
		return 0, k.ctx.Err()
	case r := <-done:
		return copy(p, r.text), r.err
	}
}

// run finds the command named by args and returns the exit code: 0 done, 1 the
// answer is no or something failed, 2 the call's words were off, 130 it was
// interrupted before it was done.
func run(ctx context.Context, env *environ, args []string) int {
	if len(args) == 0 {
		usage(env.stderr)
		return 2
	}
	switch args[0] {
	case "help", "-h", "--help":
		return help(env, args[1:])
	case "version", "-v", "--version":
		fmt.Fprintln(env.stdout, "facet", version())
		return 0
	}
	c, ok := find(args)
	if !ok {
		fmt.Fprintf(env.stderr, "facet: there is no command %q. `facet help` lists them.\n", args[0])
		return 2
	}
	if wantsHelp(args[1:]) {
		return help(env, args)
	}
	err := c.run(ctx, env, args[1:])
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintf(env.stderr, "\nfacet %s: interrupted\n", c.name)
		return 130
	}
	return exitCode(env, c, err)
}

func exitCode(env *environ, c command, err error) int {
	var exit *exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		if exit.err != nil {
			fmt.Fprintf(env.stderr, "facet %s: %v\n", c.name, exit.err)
		}
		return exit.code
	case errors.Is(err, errUsage):
		if what, ok := strings.CutPrefix(err.Error(), errUsage.Error()+": "); ok {
			fmt.Fprintf(env.stderr, "facet %s: %s\n", c.name, what)
		}
		fmt.Fprintf(env.stderr, "usage: facet %s %s\n`facet help %s` says more.\n", c.name, c.args, c.name)
		return 2
	default:
		fmt.Fprintf(env.stderr, "facet %s: %v\n", c.name, err)
		return 1
	}
}

func help(env *environ, args []string) int {
	if len(args) == 0 {
		usage(env.stdout)
		return 0
	}
	c, ok := find(args)
	if !ok {
		fmt.Fprintf(env.stderr, "facet: there is no command %q. `facet help` lists them.\n", args[0])
		return 2
	}
	fmt.Fprintf(env.stdout, "usage: facet %s %s\n\n%s\n", c.name, c.args, strings.TrimSpace(c.long))
	return 0
}

func usage(w io.Writer) {
	fmt.Fprintf(w, "Facet lets a person show one facet of themselves and nothing else.\n\nusage: facet COMMAND …\n\n")
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, c := range commands() {
		fmt.Fprintf(t, "  %s\t%s\n", c.name, c.short)
	}
	t.Flush()
	fmt.Fprintf(w, "\n`facet help COMMAND` says more. `facet demo` starts everything on this machine.\n")
}

// wantsHelp finds a call for help wherever it stands.
func wantsHelp(args []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }) || len(args) == 1 && args[0] == "help"
}

// find returns the command that args begin with.
func find(args []string) (command, bool) {
	for _, c := range commands() {
		if c.name == args[0] {
			if c.name == walletServeCommand.name && len(args) > 1 && args[1] == "serve" {
				return walletServeCommand, true
			}
			return c, true
		}
	}
	return command{}, false
}

// version is the module's version or the revision it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return info.Main.Version
}
