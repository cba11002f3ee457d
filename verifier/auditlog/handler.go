package auditlog

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"facet/audit"
)

// Prefix is where a log is served.
const Prefix = "/log/"

// Handler serves what the log publishes at Prefix (C2SP tlog-tiles): public,
// read-only, readable by any page. The checkpoint must not be cached, the rest
// never changes.
func (l *Log) Handler() http.Handler { return publisher{l.src, l.VKey()} }

type publisher struct {
	src  audit.Source
	vkey string
}

func (p publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "a log can only be read", http.StatusMethodNotAllowed)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, Prefix)
	b, err := p.read(r.Context(), path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		http.Error(w, "the log has no such resource", http.StatusNotFound)
		return
	case err != nil:
		http.Error(w, "the log cannot be read now", http.StatusServiceUnavailable)
		return
	}
	if !audit.IsTilePath(path) {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("Cache-Control", "no-cache")
	} else {
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("Content-Length", strconv.Itoa(len(b)))
	w.Write(b)
}

func (p publisher) read(ctx context.Context, path string) ([]byte, error) {
	if path == audit.KeyPath {
		return []byte(p.vkey + "\n"), nil
	}
	return p.src.Read(ctx, path)
}

// MinWriterKey is the fewest bytes a writer key may have.
const MinWriterKey = 32

// maxProofWait is how long a writer's client may ask to wait for a checkpoint.
const maxProofWait = 10 * time.Second

// A Writer serves a log to verifiers that do not own its folder: POST /append
// with a leaf, GET /proof/{index}. Both need the key as a bearer token. It also
// serves Prefix.
type Writer struct {
	log *Log
	key [sha256.Size]byte
}

// NewWriter returns the service of a log.
func NewWriter(l *Log, key string) (*Writer, error) {
	if len(key) < MinWriterKey {
		return nil, errors.New("the writer key has fewer than " + strconv.Itoa(MinWriterKey) + " bytes")
	}
	return &Writer{l, sha256.Sum256([]byte(key))}, nil
}

// Handler returns the routes.
func (w *Writer) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(Prefix, w.log.Handler())
	mux.HandleFunc("POST /append", w.withKey(w.append))
	mux.HandleFunc("GET /proof/{index}", w.withKey(w.proof))
	return mux
}

func (w *Writer) withKey(next http.HandlerFunc) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		sum := sha256.Sum256([]byte(token))
		if !ok || subtle.ConstantTimeCompare(sum[:], w.key[:]) != 1 {
			rw.Header().Set("WWW-Authenticate", `Bearer realm="log"`)
			answer(rw, http.StatusUnauthorized, problem{Code: "unauthorized"})
			return
		}
		next(rw, r)
	}
}

type appended struct {
	Index uint64 `json:"index"`
}

type problem struct {
	Code string `json:"code"`
}

func (w *Writer) append(rw http.ResponseWriter, r *http.Request) {
	leaf, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, audit.MaxEntry))
	if err != nil {
		answer(rw, http.StatusRequestEntityTooLarge, problem{audit.ReasonSchema})
		return
	}
	e, err := audit.Parse(leaf)
	if err != nil {
		refuse(rw, err)
		return
	}
	n, err := w.log.Append(r.Context(), string(e.Common().ID), leaf)
	if err != nil {
		refuse(rw, err)
		return
	}
	answer(rw, http.StatusOK, appended{n})
}

func (w *Writer) proof(rw http.ResponseWriter, r *http.Request) {
	n, err := strconv.ParseUint(r.PathValue("index"), 10, 53)
	if err != nil {
		answer(rw, http.StatusNotFound, problem{audit.ReasonReceipt})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), maxProofWait)
	defer cancel()
	proof, err := w.log.ReceiptProof(ctx, n)
	if err != nil {
		refuse(rw, err)
		return
	}
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	rw.Write(proof)
}

// refuse turns an error into a status: 422 and 409 will fail again, 503 may not.
func refuse(rw http.ResponseWriter, err error) {
	status, code := http.StatusServiceUnavailable, ReasonUnavailable
	var reasoned interface{ Reason() string }
	if errors.As(err, &reasoned) {
		code = reasoned.Reason()
	}
	switch code {
	case audit.ReasonSchema:
		status = http.StatusUnprocessableEntity
	case ReasonConflict:
		status = http.StatusConflict
	}
	answer(rw, status, problem{code})
}

func answer(rw http.ResponseWriter, status int, body any) {
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("Cache-Control", "no-store")
	rw.WriteHeader(status)
	json.NewEncoder(rw).Encode(body) // the client is gone if this fails
}
