package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"facet/credentials/openid4vp"
	"facet/policy"
	"facet/policy/hints"
	"facet/policy/lint"
	"facet/schemas"
)

var policyCommand = command{
	name:  "policy",
	args:  "lint|compile|preview|explain FILE … [claim=value …]",
	short: "check a policy, see its query, its consent page and its outcome",
	long: `A policy is a YAML file: purpose, retention, texts, and rules from claims to hints
(docs/policy.md).

  lint [--registration FILE …] FILE …
                                  list every problem with its line; exit 1 if there is one.
                                  With registration certificates also what would be asked
                                  beyond them: a verifier refuses such a policy
  compile FILE                    print the canonical policy, its hash and the DCQL query
  preview FILE [claim=value …]    what a platform would get, for these claims:
                                  facet policy preview home.yaml member.tier=plus prefs.depth=overview
                                  lists: prefs.topics=653,596
  explain FILE                    say in plain words what is asked, why, and for how long

FILE may be - for standard input. --lang de|en chooses the words (default: en).`,
	run: runPolicy,
}

func runPolicy(_ context.Context, env *environ, args []string) error {
	lang, args, err := language(args)
	if err != nil {
		return err
	}
	if len(args) < 2 {
		return fmt.Errorf("%w: say what to do and with which file", errUsage)
	}
	act, files := args[0], args[1:]
	switch {
	case !slices.Contains([]string{"lint", "compile", "preview", "explain"}, act):
		return fmt.Errorf("%w: there is no policy %s", errUsage, act)
	case act != "lint" && act != "preview" && len(files) > 1:
		return fmt.Errorf("%w: %s takes one file", errUsage, act)
	case act == "lint":
		registered, files, err := takeRegistrations(files)
		if err != nil {
			return err
		}
		return lintFiles(env, files, registered)
	}
	p, err := loadPolicy(env, files[0])
	if err != nil {
		return err
	}
	c, err := policy.Compile(p)
	if err != nil {
		return err
	}
	switch act {
	case "compile":
		return printCompiled(env.stdout, c)
	case "preview":
		return printPreview(env.stdout, c, files[1:], lang)
	}
	printExplained(env.stdout, c, lang)
	return nil
}

// language takes --lang out of args.
func language(args []string) (string, []string, error) {
	i := slices.Index(args, "--lang")
	if i < 0 {
		return "en", args, nil
	}
	if i+1 >= len(args) || (args[i+1] != "de" && args[i+1] != "en") {
		return "", nil, fmt.Errorf("%w: --lang is de or en", errUsage)
	}
	return args[i+1], slices.Delete(slices.Clone(args), i, i+2), nil
}

func readPolicy(env *environ, file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(io.LimitReader(env.stdin, policy.MaxSize+1))
	}
	return os.ReadFile(file)
}

func loadPolicy(env *environ, file string) (*policy.Policy, error) {
	text, err := readPolicy(env, file)
	if err != nil {
		return nil, err
	}
	p, problems := lint.Lint(text)
	if p == nil {
		printProblems(env.stderr, file, problems)
		return nil, &exitError{code: 1}
	}
	return p, nil
}

// takeRegistrations takes each --registration FILE out of args.
func takeRegistrations(args []string) (all []openid4vp.Registration, files []string, err error) {
	for len(args) > 0 {
		if args[0] != "--registration" {
			files, args = append(files, args[0]), args[1:]
			continue
		}
		if len(args) < 2 {
			return nil, nil, fmt.Errorf("%w: --registration needs a file", errUsage)
		}
		_, reg, err := readRegistration(args[1])
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", args[1], err)
		}
		all, args = append(all, reg), args[2:]
	}
	if len(files) == 0 {
		return nil, nil, fmt.Errorf("%w: lint needs a policy", errUsage)
	}
	return all, files, nil
}

func lintFiles(env *environ, files []string, registered []openid4vp.Registration) error {
	bad := 0
	for _, file := range files {
		text, err := readPolicy(env, file)
		if err != nil {
			return err
		}
		p, problems := lint.Lint(text)
		printProblems(env.stdout, file, problems)
		if p == nil {
			bad++
			continue
		}
		if err := covered(p, registered); err != nil {
			fmt.Fprintf(env.stdout, "%s: %v\n", file, err)
			bad++
			continue
		}
		if len(registered) > 0 {
			fmt.Fprintf(env.stdout, "%s: all it asks for is registered\n", file)
		}
		fmt.Fprintf(env.stdout, "%s: ok, version %d, %d hints, %s\n", file, p.Version, len(p.Hints), p.Hash())
	}
	if bad > 0 {
		return &exitError{code: 1}
	}
	return nil
}

func printProblems(w io.Writer, file string, problems []lint.Problem) {
	for _, p := range problems {
		sep := ":" // FILE:LINE:COLUMN: …, as editors read it
		if p.Line == 0 {
			sep = ": "
		}
		fmt.Fprintf(w, "%s%s%s\n", file, sep, p)
	}
}

func printCompiled(w io.Writer, c *policy.Compiled) error {
	query, err := json.MarshalIndent(c.Query, "", "  ")
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "policy  %s\nsha256  %s\n\n%s\n", c.Policy.Canonical(), c.Policy.Hash(), query)
	return nil
}

// printPreview derives with exactly what the wallet derives with before consent.
func printPreview(w io.Writer, c *policy.Compiled, given []string, lang string) error {
	stated, err := claimsOf(c, given)
	if err != nil {
		return err
	}
	var choices []string
	for i := range c.Policy.Hints {
		choices = append(choices, c.Policy.Hints[i].Key)
	}
	approval, err := c.Approve(choices)
	if err != nil {
		return err
	}
	answers := map[string]policy.Answer{}
	for _, id := range approval.Present {
		answers[id] = policy.Answer{Claims: stated[c.Queries[id].Credential]}
	}
	for _, m := range approval.Mint {
		answers[m.Query] = policy.Answer{Claims: m.Claims(stated[c.Queries[m.Query].Credential])}
	}
	set, err := hints.Derive(c.Policy.Hints, c.Inputs(answers), c.Policy.Meta(0))
	if err != nil {
		return err
	}
	for i, h := range set {
		value := c.Policy.Hints[i].ValueText(h.Value).In(lang)
		if h.Withheld {
			value = "-"
		}
		fmt.Fprintf(w, "%-16s %-14s %s\n", h.Key, value, h.Explain.In(lang))
	}
	id := hints.Identify(c.Inputs(answers))
	fmt.Fprintf(w, "\nidentifying: %s (%.1f bits)\n", id.Level, id.Bits)
	return nil
}

// span is a retention in words.
func span(iso, lang string) string {
	one, many := map[byte]string{'D': "1 day", 'H': "1 hour"}, map[byte]string{'D': "days", 'H': "hours"}
	none := "nothing: only the answer itself is passed on"
	if lang == "de" {
		one, many = map[byte]string{'D': "1 Tag", 'H': "1 Stunde"}, map[byte]string{'D': "Tage", 'H': "Stunden"}
		none = "nichts: nur die Antwort selbst wird weitergegeben"
	}
	n, unit := strings.TrimLeft(iso[:len(iso)-1], "PT"), iso[len(iso)-1]
	switch {
	case n == "0":
		return none
	case n == "1":
		return one[unit]
	}
	return n + " " + many[unit]
}

func printExplained(w io.Writer, c *policy.Compiled, lang string) {
	p := c.Policy
	purpose, _ := schemas.PurposeByID(p.Purpose)
	fmt.Fprintf(w, "%s asks: %s\n  for:   %s (%s)\n  gives: %s\n  keeps: %s\n",
		p.Controller.Name, p.Question.In(lang), hints.Text(purpose.Label).In(lang), p.Purpose, p.Benefit.In(lang), span(p.Retention, lang))
	for i := range p.Hints {
		r := &p.Hints[i]
		kind := "optional"
		if r.Required {
			kind = "required"
		}
		var reads []string
		for _, ref := range r.Refs() {
			reads = append(reads, fmt.Sprintf("%s (%s)", ref, p.Credentials[ref.Credential].Accept))
		}
		fmt.Fprintf(w, "\n%s: %s, %s\n  reads:   %s\n  with:    %s\n", r.Key, r.Label.In(lang), kind, strings.Join(reads, ", "), r.With.In(lang))
		if r.Without != nil {
			fmt.Fprintf(w, "  without: %s\n", r.Without.In(lang))
		}
	}
	fmt.Fprintf(w, "\nNothing else can be asked with this policy: the query is compiled from these rules.\n")
}
