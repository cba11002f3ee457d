package openid4vp

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"

	"facet/credentials/dcql"
	"facet/credentials/jose"
	"facet/policy"
	"facet/schemas"
)

// MaxTransactionData is the most bytes of one entry of transaction_data, encoded.
const MaxTransactionData = 4 << 10

// hashSHA256 is the only hash that is used here (B.3.3.1).
const hashSHA256 = "sha-256"

// TransactionData binds an answer to the policy it is given under: a holder's
// key signs the hash of it (§8.4, B.3.3; schema schemas.PolicyTransaction).
type TransactionData struct {
	Type          string   `json:"type"`
	CredentialIDs []string `json:"credential_ids"` // every query of the request, in its order
	HashAlgs      []string `json:"transaction_data_hashes_alg,omitempty"`
	Policy        string   `json:"policy"`
	Version       int      `json:"version"`
	PolicySHA256  string   `json:"policy_sha256"`
	Purpose       string   `json:"purpose"`
	Retention     string   `json:"retention"`
}

// PolicyTransaction is the transaction data of a policy, as a request carries it.
func PolicyTransaction(c *policy.Compiled) (string, error) {
	raw, err := json.Marshal(transactionOf(c))
	return jose.EncodeBase64URL(raw), err
}

func transactionOf(c *policy.Compiled) TransactionData {
	p := c.Policy
	d := TransactionData{
		Type: schemas.PolicyTransaction, HashAlgs: []string{hashSHA256},
		Policy: p.ID, Version: p.Version, PolicySHA256: p.Hash(), Purpose: p.Purpose, Retention: p.Retention,
	}
	for _, q := range c.Query.Credentials {
		d.CredentialIDs = append(d.CredentialIDs, q.ID)
	}
	return d
}

// TransactionHashes are the claims by which a key binding refers to transaction
// data (B.3.3.1), over the string as it was received.
func TransactionHashes(received string) map[string]any {
	sum := sha256.Sum256([]byte(received))
	return map[string]any{
		"transaction_data_hashes":     []any{jose.EncodeBase64URL(sum[:])},
		"transaction_data_hashes_alg": hashSHA256,
	}
}

// TransactionEntry is the one entry of transaction_data the request carries, as
// received, or "".
func (r *Request) TransactionEntry() string {
	if len(r.TransactionData) == 0 {
		return ""
	}
	return r.TransactionData[0]
}

// readTransactionData takes Facet's own type, once, and nothing else (§5.1): a
// holder must not sign what nobody here can show. Reason
// transaction_data_unsupported.
func readTransactionData(m map[string]any, q *dcql.Query) ([]string, error) {
	raw, present := m["transaction_data"]
	if !present {
		return nil, nil
	}
	list, _ := raw.([]any)
	if len(list) != 1 {
		return nil, unfit("there must be exactly one entry")
	}
	entry, ok := list[0].(string)
	if !ok || len(entry) > MaxTransactionData {
		return nil, unfit("an entry is no text, or too long")
	}
	if _, err := parseTransactionData(entry, q); err != nil {
		return nil, err
	}
	return []string{entry}, nil
}

func unfit(text string) error {
	return &Error{Code: CodeInvalidTransactionData, reason: "transaction_data_unsupported", err: errors.New(text)}
}

// transactionMembers are the members of an entry, and which must be there.
var transactionMembers = map[string]bool{
	"type": true, "credential_ids": true, "transaction_data_hashes_alg": false,
	"policy": true, "version": true, "policy_sha256": true, "purpose": true, "retention": true,
}

func parseTransactionData(entry string, q *dcql.Query) (TransactionData, error) {
	var d TransactionData
	v, err := jose.ParseEncoded(entry, jose.Limits{MaxSize: MaxTransactionData})
	if err != nil {
		return d, &Error{Code: CodeInvalidTransactionData, reason: "transaction_data_unsupported", err: err}
	}
	m, ok := v.(map[string]any)
	if !ok || m["type"] != schemas.PolicyTransaction {
		return d, unfit("it is of a type that is not known here")
	}
	for name := range m {
		if _, known := transactionMembers[name]; !known {
			return d, unfit("it has a member that its type does not know")
		}
	}
	for name, required := range transactionMembers {
		if _, there := m[name]; required && !there {
			return d, unfit("a member is missing")
		}
	}
	if d, err = decodeTransactionData(m); err != nil {
		return d, err
	}
	var ids []string
	for i := range q.Credentials {
		if ids = append(ids, q.Credentials[i].ID); !q.Credentials[i].NeedsHolderBinding() {
			return d, unfit("a query wants no key binding, so nothing could be signed") // B.3.3
		}
	}
	if !slices.Equal(ids, d.CredentialIDs) {
		return d, unfit("credential_ids are not those of the query")
	}
	return d, nil
}

// decodeTransactionData reads the members, whose names are known, by type.
func decodeTransactionData(m map[string]any) (TransactionData, error) {
	p := params{m: m}
	d := TransactionData{
		Type: schemas.PolicyTransaction, Policy: p.text("policy", maxURI), PolicySHA256: p.text("policy_sha256", 64),
		Purpose: p.text("purpose", 64), Retention: p.text("retention", 64),
	}
	version, _ := m["version"].(json.Number)
	n, err := version.Int64()
	if p.err != nil || err != nil || n < 1 || n > 1<<31 {
		return d, unfit("a member is mistyped")
	}
	d.Version = int(n)
	if d.CredentialIDs, err = texts(m["credential_ids"]); err != nil || d.CredentialIDs == nil {
		return d, unfit("credential_ids is no list of ids")
	}
	if d.HashAlgs, err = texts(m["transaction_data_hashes_alg"]); err != nil || d.HashAlgs != nil && !slices.Contains(d.HashAlgs, hashSHA256) {
		return d, unfit("no hash that is known here is wanted")
	}
	return d, nil
}

// checkTransaction compares the transaction data with the offer: a holder signs
// what the page says, and nothing else. Reasons: transaction_data_unsupported
// where there is no offer, transaction_data_mismatch.
func (r *Request) checkTransaction(o *VerifiedOffer) error {
	entry := r.TransactionEntry()
	switch {
	case entry == "":
		return nil
	case o == nil:
		return unfit("there is no policy offer it could be about")
	}
	got, err := parseTransactionData(entry, r.DCQL)
	if err != nil {
		return err
	}
	want := transactionOf(o.Compiled)
	if got.Policy != want.Policy || got.Version != want.Version || got.PolicySHA256 != want.PolicySHA256 ||
		got.Purpose != want.Purpose || got.Retention != want.Retention {
		return &Error{Code: CodeInvalidTransactionData, reason: "transaction_data_mismatch", err: errors.New("it says something else than the policy offer")}
	}
	return nil
}
