package auditlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"facet/audit"
)

// A Client appends to a log that another process owns (`facet log serve`). It
// is safe for many goroutines. HTTP should have a timeout; the operator names
// the address, so it may be a private one.
type Client struct {
	HTTP *http.Client
	URL  string // of the writer, without a trailing slash
	Key  string
}

// Append is [Log.Append] over HTTP, with the same promises. A call that broke
// off may have been carried out; trying again is safe.
func (c *Client) Append(ctx context.Context, entryID string, leaf []byte) (uint64, error) {
	e, err := audit.Parse(leaf)
	if err != nil {
		return 0, failed("appending", err)
	}
	if e.Common().ID != audit.ID(entryID) {
		return 0, failed("appending", fmt.Errorf("%w: the leaf has another id", ErrConflict))
	}
	b, err := c.do(ctx, http.MethodPost, "/append", leaf)
	if err != nil {
		return 0, failed("appending", err)
	}
	var out struct {
		Index *uint64 `json:"index"`
	}
	if json.Unmarshal(b, &out) != nil || out.Index == nil {
		return 0, failed("appending", errors.New("the log's answer has no index"))
	}
	return *out.Index, nil
}

// ReceiptProof is [Log.ReceiptProof] over HTTP.
func (c *Client) ReceiptProof(ctx context.Context, index uint64) ([]byte, error) {
	b, err := c.do(ctx, http.MethodGet, "/proof/"+strconv.FormatUint(index, 10), nil)
	if err != nil {
		return nil, failed("waiting for a checkpoint", err)
	}
	return b, nil
}

func (c *Client) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.Key)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, audit.MaxProof))
	switch {
	case err != nil:
		return nil, err
	case res.StatusCode == http.StatusConflict:
		return nil, ErrConflict
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the log answered %s", res.Status)
	}
	return b, nil
}
