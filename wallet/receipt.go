package wallet

import (
	"context"
	"net/http"
	"slices"

	"facet/audit"
	"facet/fetch"
)

// CheckReceipt fetches the receipt of an answer and checks it: that the entry
// is in the log the policy offer named, speaks of this policy, and commits to
// exactly the values that were sent. A receipt that is not there yet leaves the
// state "checking". What was sent is forgotten once the receipt was checked.
func (w *Wallet) CheckReceipt(ctx context.Context, id string) (ReceiptCheck, error) {
	w.mu.Lock()
	d, err := w.deed(id)
	w.mu.Unlock()
	if err != nil {
		return ReceiptCheck{}, err
	}
	if d.Receipt == ReceiptChecked || d.Receipt == ReceiptMissing || d.Log == nil {
		return d.receiptCheck(""), nil
	}
	text, err := w.fetchReceipt(ctx, d)
	if err != nil {
		return ReceiptCheck{}, err
	}
	if text == nil {
		return d.receiptCheck(""), nil
	}
	index, problem := d.verifyReceipt(text)
	return w.noteReceipt(ctx, id, index, problem)
}

func (d *deed) receiptCheck(detail string) ReceiptCheck {
	c := ReceiptCheck{Receipt: d.Receipt, Index: -1, Detail: detail}
	if d.Log != nil {
		c.Index, c.Origin = d.Log.Index, d.Log.Origin
	}
	return c
}

// fetchReceipt returns nil while the log's next checkpoint is awaited.
func (w *Wallet) fetchReceipt(ctx context.Context, d *deed) ([]byte, error) {
	proof, err := holderProof(ctx, d, actReceipt, d.ReceiptURL, w.cfg.Now())
	if err != nil {
		return nil, err
	}
	res, err := w.cfg.Fetch.Do(ctx, proofRequest(d.ReceiptURL, proof, audit.MaxReceipt))
	if err != nil {
		return nil, err
	}
	switch res.Status {
	case http.StatusOK:
		return res.Body, nil
	case http.StatusAccepted, http.StatusNotFound, http.StatusServiceUnavailable:
		return nil, nil
	}
	return nil, res.OK()
}

// verifyReceipt checks a receipt against what was sent.
func (d *deed) verifyReceipt(text []byte) (uint64, error) {
	trust, err := audit.TrustLog(d.LogKey, d.Log.Origin)
	if err != nil {
		return 0, err
	}
	r, err := trust.VerifyReceipt(text)
	if err != nil {
		return 0, err
	}
	result, ok := r.Entry().(*audit.Result)
	switch {
	case !ok || result.Outcome != audit.Answered:
		return 0, failf(CodeReceipt, "the entry is not of an answer")
	case result.Policy.SHA256 != d.Policy.SHA256:
		return 0, failf(CodeReceipt, "the entry is of another policy")
	}
	return r.Index(), d.compare(r, result)
}

// compare checks both ways: what was sent is committed to, and nothing else is.
func (d *deed) compare(r *audit.Receipt, result *audit.Result) error {
	left := r.Slots()
	for _, sent := range d.Sent {
		i := slices.Index(result.Paths[sent.Query], sent.Path)
		slot := audit.Slot{Query: sent.Query, Path: sent.Path, Index: i}
		if i < 0 || !r.Opens(slot, sent.Value) {
			return failf(CodeReceipt, "the log commits to something else than was sent")
		}
		left = slices.DeleteFunc(left, func(s audit.Slot) bool { return s == slot })
	}
	if len(left) > 0 {
		return failf(CodeReceipt, "the log commits to something that was not sent")
	}
	return nil
}

// noteReceipt writes the outcome of a check into the history.
func (w *Wallet) noteReceipt(ctx context.Context, id string, index uint64, problem error) (ReceiptCheck, error) {
	var out ReceiptCheck
	err := w.change(ctx, func() error {
		d, err := w.deed(id)
		if err != nil {
			return err
		}
		d.Receipt = ReceiptFailed
		detail := ""
		if problem == nil {
			d.Receipt, d.Log.Index, d.Sent = ReceiptChecked, int64(index), nil
		} else {
			detail = ReasonOf(problem)
		}
		out = d.receiptCheck(detail)
		return w.put(recHistory, id, d)
	})
	return out, err
}

// proofRequest is the POST that carries a holder proof.
func proofRequest(endpoint, proof string, limit int64) fetch.Request {
	return fetch.Request{Method: http.MethodPost, URL: endpoint, ContentType: "application/jwt", Body: []byte(proof), MaxBytes: limit}
}
