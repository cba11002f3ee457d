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
	code := run(ctx, newEnviron(), os.Args[1:])
	stop()
	os.Exit(code)
}

// newEnviron is the terminal facet was started in.
func newEnviron() *environ {
	colour := false
	if fi, err := os.Stdout.Stat(); err == nil {
		colour = fi.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return &environ{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, colour: colour}
}

// run finds the command named by args and returns the exit code: 0 done, 1 the
// answer is no or something failed, 2 the call's words were off.
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
	c, ok := find(commands(), args[0])
	if !ok {
		fmt.Fprintf(env.stderr, "facet: there is no command %q. `facet help` lists them.\n", args[0])
		return 2
	}
	if wantsHelp(args[1:]) && len(args) == 2 {
		return help(env, args[:1])
	}
	return exitCode(env, c, c.run(ctx, env, args[1:]))
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
		fmt.Fprintf(env.stderr, "facet %s: %v\nusage: facet %s %s\n", c.name, err, c.name, c.args)
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
	c, ok := find(commands(), args[0])
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

func wantsHelp(args []string) bool {
	return len(args) > 0 && (args[0] == "-h" || args[0] == "--help" || args[0] == "help")
}

func find(cs []command, name string) (command, bool) {
	for _, c := range cs {
		if c.name == name {
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
