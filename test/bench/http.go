package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"facet/credentials/openid4vp"
	"facet/store"
	"facet/verifier"
	"facet/verifier/server"
)

const floorHTTP = "echo handler with two bare verifies"

// A nullLog takes every entry and keeps none.
type nullLog struct{ next atomic.Uint64 }

func (l *nullLog) Append(context.Context, string, []byte) (uint64, error) {
	return l.next.Add(1) - 1, nil
}

func (l *nullLog) Proof(context.Context, uint64) ([]byte, bool, error) { return nil, false, nil }

// httpWorks answer a request for one credential over HTTP, on memory stores
// and a log that costs nothing, beside an echo handler that reads the same
// bytes and verifies two signatures. Both are called over loopback with a
// client that keeps its connection.
func httpWorks() ([]work, error) {
	w, err := newWorld()
	if err != nil {
		return nil, err
	}
	var works []work
	for _, mode := range []struct {
		name   string
		plain  bool
		budget float64
	}{{"in the clear", true, 1.15}, {"encrypted", false, 1.9}} {
		r, err := newReception(w, mode.plain)
		if err != nil {
			return nil, err
		}
		if works == nil {
			floor, err := echoWork(r)
			if err != nil {
				return nil, err
			}
			works = append(works, floor)
		}
		works = append(works, work{
			name: "HTTP verify, " + mode.name, floor: floorHTTP, times: 1, budget: mode.budget, before: r.prepare, run: r.post,
		})
	}
	return works, nil
}

// A reception is a verifier's HTTP face and the answers about to reach it.
type reception struct {
	world  *world
	engine *verifier.Verifier
	site   *httptest.Server // for as long as the program runs
	ready  []*exchange
}

func newReception(w *world, plain bool) (*reception, error) {
	v, err := w.verifier(store.Memory(), store.Memory(), &nullLog{}, plain)
	if err != nil {
		return nil, err
	}
	h, err := server.New(server.Config{
		Engine: v, Log: http.NotFoundHandler(), Now: time.Now, APIKeys: []server.APIKey{{Platform: platformID, SHA256: server.HashKey("bench")}},
	})
	if err != nil {
		return nil, err
	}
	return &reception{world: w, engine: v, site: httptest.NewServer(h)}, nil
}

// prepare makes n transactions and their answers; it is not measured.
func (r *reception) prepare(n int) error {
	ctx := context.Background()
	for len(r.ready) < n {
		x, err := begin(ctx, r.engine, "access")
		if err == nil {
			err = r.world.answer(ctx, x)
		}
		if err != nil {
			return err
		}
		r.ready = append(r.ready, x)
	}
	return nil
}

// post sends one answer.
func (r *reception) post() error {
	x := r.ready[0]
	r.ready = r.ready[1:]
	return post(r.site.URL+"/wallet/response/"+x.id, x.body)
}

func post(url string, body []byte) error {
	answer, err := http.Post(url, "application/x-www-form-urlencoded", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", answer.StatusCode, text)
	}
	return err
}

// echoWork is the floor: the same framework, the same body, two signatures.
func echoWork(r *reception) (work, error) {
	if err := r.prepare(1); err != nil {
		return work{}, err
	}
	body := r.ready[0].body
	verify, err := floors()
	if err != nil {
		return work{}, err
	}
	e := echo.New()
	e.POST("/wallet/response/:id", func(c echo.Context) error {
		got, err := io.ReadAll(http.MaxBytesReader(c.Response(), c.Request().Body, openid4vp.MaxResponse))
		if err != nil || sha256.Sum256(got) == [sha256.Size]byte{} {
			return errors.New("no body")
		}
		for range 2 {
			if err := verify[0].run(); err != nil {
				return err
			}
		}
		return c.JSON(http.StatusOK, map[string]string{"redirect_uri": returnURI + "?response_code=" + c.Param("id")})
	})
	site := httptest.NewServer(e) // for as long as the program runs
	return work{name: floorHTTP, run: func() error { return post(site.URL+"/wallet/response/1", body) }}, nil
}
