package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"facet/wallet"
)

// english is the language of the command line.
const english = "en"

func (w *ownWallet) accept(ctx context.Context) error {
	if len(w.args) != 1 {
		return fmt.Errorf("%w: accept takes one offer", errUsage)
	}
	offer, err := w.engine.Offer(ctx, wallet.OfferSource{URL: w.args[0]})
	if err != nil {
		return err
	}
	vouched := "vouched for by your trust list"
	if !offer.Issuer.Verified {
		vouched = "NOT vouched for: only its address is known"
	}
	fmt.Fprintf(w.env.stdout, "%s (%s), %s, offers:\n", offer.Issuer.Name, offer.Issuer.Domain, vouched)
	for _, i := range offer.Items {
		fmt.Fprintf(w.env.stdout, "  %s\n", i.Title[english])
		for _, c := range i.Claims {
			fmt.Fprintf(w.env.stdout, "    %s\n", c.Label[english])
		}
	}
	if err := w.confirm("Fetch it?"); err != nil {
		return err
	}
	a := wallet.Acceptance{TxCode: w.txCode, Confirmed: true}
	if offer.TxCode != nil && a.TxCode == "" {
		fmt.Fprintf(w.env.stderr, "%s\nCode: ", offer.TxCode.Description)
		line, _ := w.stdin.ReadString('\n') // an empty code is refused by the engine
		a.TxCode = strings.TrimSpace(line)
	}
	got, err := w.engine.Accept(ctx, offer.OfferID, a)
	if n, ok := wallet.TriesLeft(err); ok {
		return errors.Join(err, fmt.Errorf("%d tries left", n))
	}
	if err != nil {
		return err
	}
	for _, c := range got.Claims {
		fmt.Fprintf(w.env.stdout, "  %s: %s\n", c.Label[english], c.Value[english])
	}
	return w.cards(got.Cards)
}

func (w *ownWallet) present(ctx context.Context) error {
	if len(w.args) > 1 || len(w.args) == 0 && w.origin == "" {
		return fmt.Errorf("%w: present takes one request", errUsage)
	}
	if w.origin != "" {
		return w.presentDigital(ctx)
	}
	p, err := w.engine.Ask(ctx, w.args[0])
	if err != nil {
		return err
	}
	shown, err := w.look(ctx, w.env.stdout, p)
	if err != nil {
		return err
	}
	done, err := w.engine.Present(ctx, p.ID, shown.Digest, w.choices())
	if err != nil {
		return err
	}
	how := "Sent"
	if done.Carried {
		how = "Made, not sent: it is in the address to go on at"
	}
	fmt.Fprintf(w.env.stdout, "%s. It is in your history as %s.\n", how, done.HistoryID)
	if done.RedirectURI != nil {
		fmt.Fprintf(w.env.stdout, "Go on at %s\n", *done.RedirectURI)
	}
	return nil
}

// page prints what the consent page shows.
func page(out io.Writer, p wallet.Proposal, shown wallet.Previewed) {
	fmt.Fprintf(out, "%s (%s) asks: %s\n", p.Asker.Name, p.Asker.Domain, p.Question[english])
	if p.Kind == wallet.KindPolicy {
		fmt.Fprintf(out, "For: %s\nKept: %s, until %s\n", p.Purpose.Label[english], span(p.Retention.ISO, english), date(p.Retention.Until))
	} else {
		fmt.Fprintln(out, "They do not say what for, nor how long they keep it.")
	}
	items := func(title string, list []wallet.Item) {
		if len(list) > 0 {
			fmt.Fprintln(out, title)
		}
		for _, i := range list {
			fmt.Fprintf(out, "  %-20s %s\n", i.Key, i.Name[english])
		}
	}
	items("Needed:", p.Required)
	items("If you like (--choose):", p.Optional)
	for _, m := range p.Missing {
		fmt.Fprintf(out, "Missing: %s\n", m.Label[english])
	}
	if len(shown.Outcome.Lines) > 0 {
		fmt.Fprintln(out, "What they will make of it, worked out here:")
	}
	for _, l := range shown.Outcome.Lines {
		fmt.Fprintf(out, "  %s: %s\n", l.Label[english], l.Value[english])
	}
	var sends []string
	for _, s := range shown.Sends {
		sends = append(sends, s.Label[english])
	}
	fmt.Fprintf(out, "You send: %s\nThat identifies you %s (%.1f bits).\n", strings.Join(sends, ", "), shown.Identify.Level, shown.Identify.Bits)
}

func (w *ownWallet) list(ctx context.Context) error {
	home, err := w.engine.Home(ctx)
	if err != nil {
		return err
	}
	return w.cards(home.Cards)
}

func (w *ownWallet) cards(cards []wallet.Card) error {
	t := tabwriter.NewWriter(w.env.stdout, 0, 0, 2, ' ', 0)
	for _, c := range cards {
		issuer, until := c.Issuer, ""
		if c.Self {
			issuer = "by you"
		}
		if c.ValidUntil != nil {
			until = "until " + date(*c.ValidUntil)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d copies\n", c.Title[english], issuer, c.State, until, c.CopiesLeft)
	}
	return t.Flush()
}

func (w *ownWallet) history(ctx context.Context) error {
	rows, err := w.engine.History(ctx)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(w.env.stdout, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		var kinds []string
		for _, k := range r.Kinds {
			kinds = append(kinds, k[english])
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\treceipt %s\n", r.ID, date(r.At), r.Party, strings.Join(kinds, ", "), r.State, r.Receipt)
	}
	return t.Flush()
}

func (w *ownWallet) withdraw(ctx context.Context) error {
	if len(w.args) != 1 {
		return fmt.Errorf("%w: withdraw takes the id that history shows", errUsage)
	}
	done, err := w.engine.Withdraw(ctx, w.args[0])
	if err != nil {
		return err
	}
	fmt.Fprintf(w.env.stdout, "Taken back. The signed erasure receipt names entry %s.\n", done.Erasure.Entry)
	return nil
}

func date(unix int64) string { return time.Unix(unix, 0).Format("2 Jan 2006 15:04") }
