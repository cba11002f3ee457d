package verifier

import (
	"crypto/subtle"
	"slices"

	"facet/credentials"
	"facet/credentials/openid4vp"
	"facet/schemas"
)

// takes reports whether this wallet is known to take a type of transaction data.
// Others must refuse a request that has any (OpenID4VP §5.1).
func (w *Wallet) takes(kind string) bool { return slices.Contains(w.TransactionData, kind) }

// chosen finds the one wallet a request is begun for; nil where the visitor has
// the choice. Reason wallet_unknown.
func (p *platform) chosen(name string, browser bool) (*Wallet, error) {
	if name == "" {
		return nil, nil
	}
	for i := range p.Wallets {
		if p.Wallets[i].Name == name && !browser {
			return &p.Wallets[i], nil
		}
	}
	return nil, fail("wallet_unknown", "wallet is not the name of one of the platform's, or the browser chooses it")
}

// bindPolicy gives the transaction the data its answer must refer to, if it is
// for a wallet that takes it. Unsigned requests have no offer it could be about.
func (t *transaction) bindPolicy(w *Wallet) (err error) {
	if w == nil || !w.takes(schemas.PolicyTransaction) || t.platform.Prefix == openid4vp.PrefixRedirectURI {
		return nil
	}
	t.TransactionData, err = openid4vp.PolicyTransaction(t.policy.Compiled)
	return err
}

// checkTransactionData wants the hash of what was sent in exactly one key
// binding, alone, and in none where nothing was sent (B.3.3.1). Reasons:
// kb_transaction_data_missing, kb_transaction_data_mismatch,
// kb_transaction_data_unexpected.
func (t *transaction) checkTransactionData(answered map[string]*credentials.Credential) error {
	bound := 0
	for _, c := range answered {
		_, hashes := c.KB()["transaction_data_hashes"]
		_, alg := c.KB()["transaction_data_hashes_alg"]
		if !hashes && !alg {
			continue
		}
		if bound++; t.TransactionData == "" || bound > 1 {
			return fail("kb_transaction_data_unexpected", "transaction data was signed that nobody sent, or by two credentials")
		}
		if !signsTransaction(c.KB(), t.TransactionData) {
			return fail("kb_transaction_data_mismatch", "other transaction data was signed than was sent")
		}
	}
	if t.TransactionData != "" && bound == 0 {
		return fail("kb_transaction_data_missing", "the transaction data was not signed")
	}
	return nil
}

// signsTransaction reports whether the key binding refers to this one entry.
func signsTransaction(kb map[string]any, sent string) bool {
	want := openid4vp.TransactionHashes(sent)
	hashes, _ := kb["transaction_data_hashes"].([]any)
	return len(hashes) == 1 && equalText(hashes[0], want["transaction_data_hashes"].([]any)[0]) &&
		equalText(kb["transaction_data_hashes_alg"], want["transaction_data_hashes_alg"])
}

func equalText(a, b any) bool {
	x, isText := a.(string)
	y, _ := b.(string)
	return isText && subtle.ConstantTimeCompare([]byte(x), []byte(y)) == 1
}
