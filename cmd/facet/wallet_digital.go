package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"facet/credentials/openid4vp"
	"facet/wallet"
)

// presentDigital answers a request as a page hands it to the browser's API. The
// page that shows is on the error output, the answer on the other: it is for
// whoever plays the browser.
func (w *ownWallet) presentDigital(ctx context.Context) error {
	msg, err := w.readDigital()
	if err != nil {
		return err
	}
	p, err := w.engine.AskDigital(ctx, msg, w.origin)
	if err != nil {
		return err
	}
	shown, err := w.look(ctx, w.env.stderr, p)
	if err != nil {
		return err
	}
	done, err := w.engine.Present(ctx, p.ID, shown.Digest, w.choices())
	if err != nil {
		return err
	}
	fmt.Fprintf(w.env.stderr, "Made, not sent: give it to %s. It is in your history as %s.\n", w.origin, done.HistoryID)
	return json.NewEncoder(w.env.stdout).Encode(done.Digital)
}

// readDigital reads the request from the file named, or from the standard
// input.
func (w *ownWallet) readDigital() (openid4vp.DigitalMessage, error) {
	in := io.Reader(w.stdin)
	if len(w.args) == 1 && w.args[0] != "-" {
		f, err := os.Open(w.args[0])
		if err != nil {
			return openid4vp.DigitalMessage{}, err
		}
		defer func() { _ = f.Close() }() // only read
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, 4*openid4vp.MaxRequest))
	if err != nil {
		return openid4vp.DigitalMessage{}, err
	}
	return pickDigital(raw)
}

// pickDigital finds the request to answer, as a browser and its wallet would
// between them: the first of a protocol this wallet speaks. It takes one
// message, the argument of navigator.credentials.get, or what the verifier
// answered the platform.
func pickDigital(raw []byte) (openid4vp.DigitalMessage, error) {
	type list struct {
		Requests []openid4vp.DigitalMessage `json:"requests"`
	}
	var in struct {
		openid4vp.DigitalMessage
		list
		Digital list `json:"digital"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return in.DigitalMessage, fmt.Errorf("the request is no JSON object: %w", err)
	}
	all := append(in.Requests, in.Digital.Requests...)
	if in.Protocol != "" {
		all = append(all, in.DigitalMessage)
	}
	for _, m := range all {
		if m.Protocol == openid4vp.ProtocolSigned || m.Protocol == openid4vp.ProtocolUnsigned {
			return m, nil
		}
	}
	if len(all) > 0 {
		return all[0], nil // the engine says why not
	}
	return in.DigitalMessage, errors.New("there is no request: neither protocol and data, nor requests, nor digital")
}

// look shows a proposal and asks whether to go on.
func (w *ownWallet) look(ctx context.Context, out io.Writer, p wallet.Proposal) (wallet.Previewed, error) {
	if p.Kind == wallet.KindUnverified {
		return wallet.Previewed{}, fmt.Errorf("nobody vouches for %s (%s); nothing was sent", p.Asker.Domain, p.Code)
	}
	shown, err := w.engine.Preview(ctx, p.ID, w.choices())
	if err != nil {
		return shown, err
	}
	page(out, p, shown)
	if !p.Satisfiable {
		return shown, errors.New("something needed is missing; nothing was sent")
	}
	return shown, w.confirm("Send this?")
}
