package wallet

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"maps"
	"sync"
	"time"

	"facet/credentials"
	"facet/credentials/claims"
	"facet/credentials/jose"
	"facet/credentials/openid4vp"
	"facet/credentials/sdjwt"
	"facet/fetch"
	"facet/schemas"
)

// An answer is what Present made: signed once, and if it must be sent again,
// sent as the same bytes, so that a verifier can tell a lost reply from a
// replay.
type answer struct {
	digest string
	token  openid4vp.VPToken // nil: nothing was approved
	deedID string
	sent   []Labelled
	post   *sameBytes
	maybe  bool // a try broke off: the verifier may have it

	digital *openid4vp.DigitalMessage // for the browser to carry; nil if it is sent from here
}

// Present answers a proposal with the chosen optional items. digest must be
// the one Preview gave for exactly these choices (or the Proposal's own, for
// none): what is approved is what was shown, or nothing happens (reason
// consent_mismatch). If nothing is approved at all the asker is told the same
// as by Refuse.
//
// The deed is written to the vault before anything is sent, and the keys that
// signed are kept in it until the asker's deadline. After an error the same
// call may be repeated.
func (w *Wallet) Present(ctx context.Context, proposalID, digest string, choices []string) (Presented, error) {
	p, err := w.prepare(ctx, proposalID, digest, choices)
	if err != nil {
		return Presented{}, err
	}
	next, err := p.send(ctx)
	if err := w.conclude(ctx, p, err); err != nil {
		return Presented{}, err
	}
	return Presented{
		RedirectURI: optional(next), Digital: p.answer.digital,
		HistoryID: p.answer.deedID, Sent: p.answer.sent, Until: p.view.Retention.Until, Carried: p.request.ResponseMode == openid4vp.ModeFragment,
	}, nil
}

// prepare checks the consent, signs, and writes the deed; nothing is sent.
func (w *Wallet) prepare(ctx context.Context, id, digest string, choices []string) (*proposal, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, err := w.proposal(id)
	if err != nil {
		return nil, err
	}
	if !p.view.Satisfiable {
		return nil, failf(CodeUnsatisfiable, "something required is not held")
	}
	s, err := p.selection(choices)
	if err != nil {
		return nil, err
	}
	want, err := p.digest(s)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare([]byte(want), []byte(digest)) != 1 || p.answer != nil && p.answer.digest != want {
		return nil, failf(CodeDigest, "the approval is for another page or other choices")
	}
	if p.answer != nil {
		return p, nil // again: the same bytes
	}
	return p, w.commit(ctx, p, s, want)
}

// maxClaims is how often another copy is taken because another device was
// quicker with the one before.
const maxClaims = 4

// commit signs the answer and makes the deed durable.
func (w *Wallet) commit(ctx context.Context, p *proposal, s *selection, digest string) error {
	for range maxClaims {
		if err := w.tryCommit(ctx, p, s, digest); !errors.Is(err, errCopyGone) {
			return err
		}
	}
	return fail(CodeUnsatisfiable, errCopyGone)
}

// tryCommit commits with the copies that are there now. If it fails they are put
// back: nobody has seen them.
func (w *Wallet) tryCommit(ctx context.Context, p *proposal, s *selection, digest string) error {
	a := &answer{digest: digest, sent: p.labels(s), post: &sameBytes{inner: w.cfg.Fetch}}
	d, err := w.newDeed(p, digest)
	if err != nil {
		return err
	}
	a.deedID = d.ID
	err = w.claim(s, d.ID)
	if err == nil && s.empty() {
		d.State, d.Receipt = StateRefused, ReceiptMissing
	} else if err == nil {
		err = w.sign(ctx, p, s, a, d)
	}
	if err == nil {
		a.digital, err = p.message(a.token)
	}
	if err == nil {
		err = errors.Join(w.record(d), w.met(p))
	}
	if err == nil {
		err = w.save(ctx)
	}
	if err == nil {
		err = w.unshown()
	}
	if err != nil {
		return errors.Join(err, w.putBack(), w.remove(recHistory, d.ID))
	}
	p.answer, w.claims = a, nil
	return nil
}

// newDeed is the history entry of an answer about to be sent.
func (w *Wallet) newDeed(p *proposal, digest string) (*deed, error) {
	d := &deed{
		ID: newID(), Party: p.view.Asker.Name, PartyID: partyID(p.request.Party), Domain: p.view.Asker.Domain, ClientID: p.request.ClientID,
		At: w.cfg.Now().Unix(), Purpose: p.view.Purpose.Label, Kinds: []Text{}, State: StateActive, Receipt: ReceiptMissing,
	}
	if p.offer == nil {
		return d, nil
	}
	pol := p.offer.Policy
	d.Until = p.view.Retention.Until
	d.Consent = digest
	d.Policy = policyRef(pol)
	d.Support = pol.Controller.Support
	d.Receipt = ReceiptChecking
	d.ReceiptURL, d.WithdrawalURL = p.offer.ReceiptEndpoint, p.offer.WithdrawalEndpoint
	d.Log, d.LogKey = &LogRef{Origin: p.offer.Log.Origin, Index: -1, URL: p.offer.Log.URL}, p.offer.Log.Key
	if key := p.request.Key(); key != nil {
		var err error
		if d.RequestKey, err = key.MarshalJSON(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// sign makes the presentations and notes in the deed what was disclosed and
// with which keys.
func (w *Wallet) sign(ctx context.Context, p *proposal, s *selection, a *answer, d *deed) error {
	a.token = openid4vp.VPToken{}
	kb := sdjwt.KBClaims{Nonce: p.request.Nonce, Audience: p.request.AnswerAudience(), IssuedAt: w.cfg.Now()}
	if p.offer != nil {
		kb.Extra = map[string]any{"consent": a.digest}
	}
	signer := signer{ctx: ctx, kb: kb, deed: d, keys: map[string]*jose.PrivateKey{}, transaction: p.request.TransactionEntry()}
	for _, c := range s.present {
		presentation, err := signer.issued(c)
		if err != nil {
			return err
		}
		a.token[c.query] = []string{presentation}
	}
	for _, m := range s.mint {
		expires, err := w.mintUntil(p, m.vct)
		if err != nil {
			return err
		}
		presentation, err := signer.minted(m, expires)
		if err != nil {
			return err
		}
		a.token[m.query] = []string{presentation}
	}
	d.noteSent(s, a.sent)
	return nil
}

// A signer signs the presentations of one answer. All queries answered from
// one holding use one copy, and so one key.
type signer struct {
	ctx  context.Context
	kb   sdjwt.KBClaims
	deed *deed
	keys map[string]*jose.PrivateKey // by holding

	transaction string // transaction data that the next key binding signs; "" once one has
}

// binding is what the next presentation's key signs. Transaction data is signed
// by one credential only (OpenID4VP §5.1), and any of them may.
func (s *signer) binding() sdjwt.KBClaims {
	kb := s.kb
	if s.transaction == "" {
		return kb
	}
	kb.Extra = openid4vp.TransactionHashes(s.transaction)
	maps.Copy(kb.Extra, s.kb.Extra)
	s.transaction = ""
	return kb
}

func (s *signer) issued(c pick) (string, error) {
	key := s.keys[c.held.ID]
	if key == nil {
		var err error
		if key, err = jose.ParsePrivateJWK(c.copy.Key); err != nil {
			return "", failf(CodeRecord, "a stored key does not parse")
		}
		s.keys[c.held.ID] = key
		s.deed.HolderKeys = append(s.deed.HolderKeys, c.copy.Key)
	}
	var h sdjwt.Holding
	if err := h.UnmarshalText([]byte(c.copy.SDJWT)); err != nil {
		return "", err
	}
	return h.Present(s.ctx, c.paths, key, s.binding())
}

// minted makes a self-asserted credential with a fresh key: nothing in it was
// seen before or will be seen again (architecture §5, decision 9).
func (s *signer) minted(m mint, expires time.Time) (string, error) {
	key, err := jose.GenerateKey()
	if err != nil {
		return "", err
	}
	private, err := key.MarshalJWK()
	if err != nil {
		return "", err
	}
	s.deed.HolderKeys = append(s.deed.HolderKeys, private)
	sd, err := credentials.Mint(s.ctx, key, credentials.Minted{VCT: m.vct, Claims: m.claims, IssuedAt: s.kb.IssuedAt, ExpiresAt: expires})
	if err != nil {
		return "", err
	}
	return sdjwt.Bind(s.ctx, sd, key, s.binding())
}

// minMint is the least a minted credential lives: long enough to arrive.
const minMint = 10 * time.Minute

// mintUntil is when a minted credential ends: with the promised retention, and
// for what counts today with the day.
func (w *Wallet) mintUntil(p *proposal, vct string) (time.Time, error) {
	now := w.cfg.Now()
	if vct == schemas.Today {
		t, err := w.today()
		if err != nil {
			return time.Time{}, err
		}
		if until := time.Unix(t.Until, 0); until.After(now) {
			return until, nil
		}
		return now.Add(minMint), nil
	}
	if until := time.Unix(p.view.Retention.Until, 0); until.After(now.Add(minMint)) {
		return until, nil
	}
	return now.Add(minMint), nil
}

// noteSent keeps what was disclosed until the receipt is checked, and its kinds
// for good.
func (d *deed) noteSent(s *selection, kinds []Labelled) {
	for _, k := range kinds {
		d.Kinds = append(d.Kinds, k.Label)
	}
	if d.ReceiptURL == "" {
		d.HolderKeys = nil // nobody to prove anything to
		return
	}
	for _, v := range s.shown() {
		if b, err := claims.Canonical(v.Value); err == nil {
			d.Sent = append(d.Sent, sentClaim{Query: v.Query, Path: v.Path.String(), Value: json.RawMessage(b)})
		}
	}
}

// conclude writes how the sending ended. A verifier that refuses the second try
// may have taken the first, whose reply was lost.
func (w *Wallet) conclude(ctx context.Context, p *proposal, sendErr error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if sendErr == nil {
		delete(w.proposals, p.view.ID)
	}
	d, err := w.deed(p.answer.deedID)
	if err != nil {
		return errors.Join(sendErr, err)
	}
	before := d.State
	switch {
	case sendErr == nil && d.State == StateNone:
		d.State = StateActive
	case sendErr == nil:
	case !notTaken(sendErr):
		p.answer.maybe = true
	case p.answer.maybe:
		delete(w.proposals, p.view.ID)
		sendErr = fail(CodeMaybeTaken, sendErr)
	default:
		d.State = StateNone
	}
	if d.State == before {
		return sendErr
	}
	return errors.Join(sendErr, w.put(recHistory, d.ID, d), w.save(ctx))
}

// notTaken reports whether it is certain that the verifier has nothing: it said
// so, or nothing left this device. Where that is uncertain history must say
// that it has.
func notTaken(err error) bool {
	switch ReasonOf(err) {
	case "fetch_status", CodeProposalGone, fetch.ReasonURL, fetch.ReasonBlocked, fetch.ReasonPort,
		"response_encryption_unavailable", "unauthenticated_request":
		return true
	}
	return false
}

// sameBytes is a Fetcher that remembers the first body it was given and sends
// it every time.
type sameBytes struct {
	inner fetch.Fetcher
	mu    sync.Mutex // protects body
	body  []byte
}

// Do implements fetch.Fetcher.
func (s *sameBytes) Do(ctx context.Context, r fetch.Request) (*fetch.Response, error) {
	s.mu.Lock()
	if s.body == nil {
		s.body = r.Body
	}
	r.Body = s.body
	s.mu.Unlock()
	return s.inner.Do(ctx, r)
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
