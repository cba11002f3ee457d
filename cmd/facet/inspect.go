package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"facet/credentials/jose"
)

// maxInspect is the most bytes inspect reads; the largest thing it shows is a
// status list token.
const maxInspect = 4 << 20

var inspectCommand = command{
	name:  "inspect",
	args:  "[--key FILE] [--anchor FILE] [--log-key VKEY] [--json] [FILE|-]",
	short: "show what a token, query, offer or receipt says and what of it is proven",
	long: `Decodes an SD-JWT or SD-JWT+KB (compact or JWS JSON), a request object or
other JWT, a status list token, a DCQL query, a credential offer (JSON or link),
a log receipt, or a message of the browser's Digital Credentials API, from FILE
or the standard input, and prints it as a tree: header, claims, each disclosure
with its digest and where it belongs, digests nothing belongs to, and what was
verified with which key and what was not.

  --key FILE      a JWK or key set: verify the signature with it
  --anchor FILE   certificates (PEM or DER): verify x5c up to one of them
  --log-key VKEY  the log's verifier key: verify a receipt
  --json          machine-readable

Nothing is fetched and nothing is stored. What it prints may be personal.
Exit code 1 says that the input is malformed or that a signature is wrong.`,
	run: runInspect,
}

// An inspection is one run: what was given to verify with.
type inspection struct {
	keys    jose.KeySet
	anchors []*x509.Certificate
	logKey  string
	now     time.Time
}

func runInspect(_ context.Context, env *environ, args []string) error {
	flags := flag.NewFlagSet("inspect", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	key := flags.String("key", "", "")
	anchor := flags.String("anchor", "", "")
	logKey := flags.String("log-key", "", "")
	asJSON := flags.Bool("json", false, "")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("%w: %v", errUsage, err)
	}
	if flags.NArg() > 1 {
		return fmt.Errorf("%w: one FILE at a time", errUsage)
	}
	in := &inspection{logKey: *logKey, now: time.Now()}
	var err error
	if in.keys, err = readKeys(*key); err != nil {
		return err
	}
	if in.anchors, err = readAnchors(*anchor); err != nil {
		return err
	}
	text, err := readInput(env, flags.Arg(0))
	if err != nil {
		return err
	}
	v := in.look(text)
	if *asJSON {
		err = v.writeJSON(env.stdout)
	} else {
		err = v.writeText(env.stdout, painter(env.colour))
	}
	if err == nil && v.bad() {
		return &exitError{code: 1}
	}
	return err
}

func readInput(env *environ, name string) (string, error) {
	r := env.stdin
	if name != "" && name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer f.Close()
		r = f
	}
	b, err := io.ReadAll(io.LimitReader(r, maxInspect+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxInspect {
		return "", fmt.Errorf("the input is longer than %d bytes", maxInspect)
	}
	return strings.TrimSpace(string(b)), nil
}

// readKeys reads one JWK or a set.
func readKeys(name string) (jose.KeySet, error) {
	if name == "" {
		return nil, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	o, err := jose.ParseObject(bytes.TrimSpace(b), jose.Limits{})
	if err != nil {
		return nil, fmt.Errorf("%s is not a JWK: %w", name, err)
	}
	if o["keys"] == nil {
		o = map[string]any{"keys": []any{o}}
	}
	keys, err := jose.ParseKeySet(o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return keys, nil
}

// readAnchors reads PEM certificates, or one DER.
func readAnchors(name string) ([]*x509.Certificate, error) {
	if name == "" {
		return nil, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var ders [][]byte
	for block, rest := pem.Decode(b); block != nil; block, rest = pem.Decode(rest) {
		ders = append(ders, block.Bytes)
	}
	if ders == nil {
		ders = [][]byte{b}
	}
	var out []*x509.Certificate
	for _, der := range ders {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("%s holds something that is not a certificate", name)
		}
		out = append(out, c)
	}
	return out, nil
}

// look decides by the outside what text is.
func (in *inspection) look(text string) *view {
	switch {
	case text == "":
		return malformed("nothing", errors.New("the input is empty"))
	case text[0] == '{':
		return in.lookJSON(text)
	case text[0] == '"': // a token or JSON quoted as a JSON string
		return in.lookQuoted(text)
	case strings.Contains(text, "://") && !strings.Contains(text, "~"):
		return lookLink(text)
	case strings.Contains(text, "~"):
		return in.lookSDJWT(text)
	case strings.Count(text, ".") == 4:
		return lookEncrypted(text)
	}
	return in.lookJWT(text)
}

func (in *inspection) lookQuoted(text string) *view {
	v, err := jose.ParseValue([]byte(text), jose.Limits{MaxSize: maxInspect})
	if err != nil {
		return malformed("a quoted text", err)
	}
	inner := strings.TrimSpace(v.(string))
	if strings.HasPrefix(inner, `"`) {
		return malformed("a quoted text", errors.New("a JSON string inside a JSON string"))
	}
	return in.look(inner)
}
