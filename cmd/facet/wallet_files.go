package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"facet/audit"
	"facet/wallet"
)

// runReceipt checks one of the wallet's own receipts, or any receipt offline.
func runReceipt(ctx context.Context, env *environ, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("%w: receipt verify FILE, or receipt check ID", errUsage)
	}
	switch args[0] {
	case "check":
		return withWallet((*ownWallet).checkReceipt)(ctx, env, args[1:])
	case "verify":
		return verifyReceipt(env, args[1:])
	}
	return fmt.Errorf("%w: receipt verify FILE, or receipt check ID", errUsage)
}

func (w *ownWallet) checkReceipt(ctx context.Context) error {
	if len(w.args) != 1 {
		return fmt.Errorf("%w: receipt check takes the id that history shows", errUsage)
	}
	got, err := w.engine.CheckReceipt(ctx, w.args[0])
	if err != nil {
		return err
	}
	if got.Receipt == wallet.ReceiptFailed {
		return &exitError{code: 1, err: fmt.Errorf("the receipt is wrong (%s)", got.Detail)}
	}
	fmt.Fprintf(w.env.stdout, "%s: entry %d of %s\n", got.Receipt, got.Index, got.Origin)
	return nil
}

// verifyReceipt needs no wallet, no network and nobody's word.
func verifyReceipt(env *environ, args []string) error {
	f, err := parseWalletFlags(args)
	if err != nil {
		return err
	}
	if len(f.args) != 1 || f.key == "" || f.origin == "" {
		return fmt.Errorf("%w: receipt verify FILE --key VKEY --origin NAME", errUsage)
	}
	text, err := os.ReadFile(f.args[0])
	if err != nil {
		return err
	}
	entry, index, err := audit.VerifyReceipt(text, f.key, f.origin)
	if err != nil {
		return reasoned(err)
	}
	fmt.Fprintf(env.stdout, "genuine: entry %d of %s, a %s of the hour %s\n", index, f.origin, entry.Common().Kind, entry.Common().Hour)
	return nil
}

func (w *ownWallet) export(ctx context.Context) error {
	if len(w.args) != 1 {
		return fmt.Errorf("%w: export takes a file name", errUsage)
	}
	out, err := w.engine.Export(ctx)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(w.args[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(out.File)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	fmt.Fprintf(w.env.stdout, "Written, sealed: %s. It opens with the same keys as the wallet.\n", w.args[0])
	return nil
}

// runImport takes a sealed file over, after opening it, and never over a wallet
// that is there.
func runImport(_ context.Context, env *environ, args []string) error {
	f, err := parseWalletFlags(args)
	if err != nil {
		return err
	}
	if len(f.args) != 1 {
		return fmt.Errorf("%w: import takes a file name", errUsage)
	}
	if _, err := os.Stat(f.file); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already: it is not overwritten", f.file)
	}
	sealed, err := os.ReadFile(f.args[0])
	if err != nil {
		return err
	}
	w := newOwnWallet(f, env)
	if err := w.unseal(sealed); err != nil {
		return reasoned(err)
	}
	if err := os.MkdirAll(filepath.Dir(f.file), 0o700); err != nil {
		return err
	}
	if err := replaceFile(f.file, sealed); err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "Imported to %s.\n", f.file)
	return nil
}
