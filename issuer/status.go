package issuer

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"facet/credentials/openid4vci"
	"facet/credentials/statuslist"
	"facet/store"
)

// A statusList is a published list and when it was made.
type statusList struct {
	token string
	made  time.Time
}

func (i *Issuer) statusURL(id string) string { return i.config.URL + PathStatus + id }

func (c Configuration) statusSize() int {
	if c.StatusSize == 0 {
		return DefaultStatusSize
	}
	return c.StatusSize
}

// allocate takes a random free entry of the list, so that an index says
// nothing about when or with which others it was issued (HAIP 1.0 §6.1), and
// notes under the offer that it did.
func (i *Issuer) allocate(ctx context.Context, offer, id string) (uint64, error) {
	size := i.config.Configurations[id].statusSize()
	for range maxDraws {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(size)))
		if err != nil {
			return 0, fmt.Errorf("issuer: draw a status index: %w", err)
		}
		index := n.String()
		err = put(ctx, i.config.Store, keyEntry+id+"/"+index, 0, entryRecord{})
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err == nil {
			err = put(ctx, i.config.Store, keyIssued+offer+"/"+id+"/"+index, 0, struct{}{})
		}
		if err != nil {
			return 0, fmt.Errorf("issuer: take a status index: %w", err)
		}
		return n.Uint64(), nil
	}
	return 0, errors.New("issuer: status list is full")
}

// maxDraws misses a list that is 90 % full once in a thousand times.
const maxDraws = 64

// Revoke marks every copy that was issued from an offer as invalid. Lists show
// it within StatusTTL.
func (i *Issuer) Revoke(ctx context.Context, offer string) error {
	prefix := keyIssued + offer + "/"
	for key, err := range i.config.Store.Keys(ctx, prefix, "") {
		if err != nil {
			return fmt.Errorf("issuer: revoke: %w", err)
		}
		entry := keyEntry + strings.TrimPrefix(key, prefix)
		var r entryRecord
		v, err := load(ctx, i.config.Store, entry, &r)
		if err == nil && !r.Revoked {
			err = put(ctx, i.config.Store, entry, v, entryRecord{Revoked: true})
		}
		if err != nil && !errors.Is(err, store.ErrConflict) { // only this function writes it twice
			return fmt.Errorf("issuer: revoke: %w", err)
		}
	}
	i.mu.Lock()
	clear(i.lists)
	i.mu.Unlock()
	return nil
}

// StatusList returns the signed status list of a configuration (Token Status
// List §5.1), made at most StatusTTL ago. Reason unknown_configuration.
func (i *Issuer) StatusList(ctx context.Context, id string) (string, error) {
	c, there := i.config.Configurations[id]
	if !there {
		return "", unknownConfiguration()
	}
	now := i.config.Now()
	i.mu.Lock()
	published := i.lists[id]
	i.mu.Unlock()
	if age := now.Sub(published.made); published.token != "" && age >= 0 && age < StatusTTL {
		return published.token, nil
	}
	list, err := i.readList(ctx, id, c.statusSize())
	if err != nil {
		return "", fmt.Errorf("issuer: read status entries: %w", err)
	}
	token, err := statuslist.Issue(ctx, c.Signer, list, statuslist.Issuance{
		URI: i.statusURL(id), IssuedAt: now, ExpiresAt: now.Add(StatusExpiry), TTL: StatusTTL, X5C: c.X5C,
	})
	if err != nil {
		return "", fmt.Errorf("issuer: sign status list: %w", err)
	}
	i.mu.Lock()
	i.lists[id] = statusList{token, now}
	i.mu.Unlock()
	return token, nil
}

func (i *Issuer) readList(ctx context.Context, id string, size int) (*statuslist.List, error) {
	list, err := statuslist.New(1, size)
	if err != nil {
		return nil, err
	}
	prefix := keyEntry + id + "/"
	for key, err := range i.config.Store.Keys(ctx, prefix, "") {
		if err != nil {
			return nil, err
		}
		var r entryRecord
		if _, err := load(ctx, i.config.Store, key, &r); err != nil {
			return nil, err
		}
		index, err := strconv.ParseUint(strings.TrimPrefix(key, prefix), 10, 64)
		if err != nil {
			return nil, err
		}
		if !r.Revoked {
			continue
		}
		if err := list.Set(index, statuslist.Invalid); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// IsUnknown reports whether err says that what was asked for does not exist,
// which a web server answers with 404.
func IsUnknown(err error) bool {
	var e *openid4vci.Error
	return errors.As(err, &e) && (e.Reason() == "offer_unknown" || e.Reason() == "unknown_configuration")
}
