package wallet

import (
	"errors"
	"slices"
)

// errCopyGone says that another device showed a copy while this one was about
// to.
var errCopyGone = errors.New("wallet: another device was quicker with this copy")

// A claim is a one-time copy that was taken out of its record for an answer.
type claim struct {
	record, deed string
	copy         copyOf
	gone         bool // another device has used it, too
}

// claim takes one copy for each holding of the selection out of the vault, from
// the records as they are now: another request may have been answered since
// this one was opened. All queries answered from one holding share a copy.
// Reason not_satisfiable if there is none left. The caller holds w.mu.
func (w *Wallet) claim(s *selection, deedID string) error {
	w.claims = nil
	for i := range s.present {
		p := &s.present[i]
		same := slices.IndexFunc(s.present[:i], func(o pick) bool { return o.held.ID == p.held.ID })
		if same >= 0 {
			p.copy = s.present[same].copy
			continue
		}
		h, err := w.current(p.held)
		if err != nil {
			return err
		}
		p.copy, h.Copies, h.Last = h.Copies[0], h.Copies[1:], deedID
		if err := w.put(recCredential, h.ID, h); err != nil {
			return err
		}
		w.claims = append(w.claims, &claim{record: h.ID, deed: deedID, copy: p.copy})
	}
	return nil
}

// current finds the record of a holding, or of its renewal.
func (w *Wallet) current(seen *held) (*held, error) {
	holdings, err := all[held](w, recCredential)
	if err != nil {
		return nil, err
	}
	for _, h := range holdings {
		if (h.ID == seen.ID || h.sameAs(seen)) && w.usable(h) {
			return h, nil
		}
	}
	return nil, failf(CodeUnsatisfiable, "no copy is left")
}

// unshown reports whether no other device has used a claimed copy; errCopyGone
// if one has.
func (w *Wallet) unshown() error {
	if slices.ContainsFunc(w.claims, func(c *claim) bool { return c.gone }) {
		return errCopyGone
	}
	return nil
}

// putBack returns the claimed copies, which nobody has seen. A record that is
// not as claim left it is another device's by now: that one says which copies
// are left.
func (w *Wallet) putBack() error {
	var errs []error
	for _, c := range w.claims {
		var h held
		there, err := w.get(recCredential, c.record, &h)
		if there && err == nil && h.Last == c.deed {
			h.Copies, h.Last = append([]copyOf{c.copy}, h.Copies...), ""
			err = w.put(recCredential, h.ID, h)
		}
		errs = append(errs, err)
	}
	w.claims = nil
	return errors.Join(errs...)
}

// join keeps the one-time copies that neither version has used up, and notes
// which of those claimed here the other device has used. Copies are only ever
// taken away from a record: a renewal is a new one.
func (w *Wallet) join(kept, other *held) {
	for _, c := range w.claims {
		c.gone = c.gone || c.record == kept.ID && !kept.has(c.copy)
	}
	kept.Copies = slices.DeleteFunc(kept.Copies, func(c copyOf) bool { return !other.has(c) })
}

func (h *held) has(c copyOf) bool {
	return slices.ContainsFunc(h.Copies, func(o copyOf) bool { return o.SDJWT == c.SDJWT })
}
