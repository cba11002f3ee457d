package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Limits of an event stream.
const (
	MaxEvent     = 4 << 10          // bytes of its data, and of a line
	MaxSilence   = 30 * time.Second // then the stream is opened anew, in case nobody is there
	PollInterval = 2 * time.Second  // where there is no stream to be had
)

// Events yields where a request stands, first now and then at each change,
// until it has ended. A stream that breaks is opened again, a verifier that has
// none left is polled. It ends with an error when neither works, and without
// one when ctx does.
func (c *Client) Events(ctx context.Context, id string) iter.Seq2[State, error] {
	return func(yield func(State, error) bool) {
		f := &following{c: c, id: id, wait: time.Second, yield: yield}
		for attempt := 1; ; attempt++ {
			before := f.seen
			err := f.stream(ctx)
			if f.seen > before {
				attempt = 1
			}
			switch {
			case f.over || ctx.Err() != nil:
				return
			case CodeOf(err) == codeNoMoreStream || errors.Is(err, errNoStream):
				f.poll(ctx)
				return
			}
			wait := f.wait
			if err != nil {
				var again bool
				if wait, again = pause(err, attempt); !again || attempt >= MaxAttempts {
					yield("", err)
					return
				}
			}
			if !sleep(ctx, wait) {
				return
			}
		}
	}
}

// following is one loop over Events.
type following struct {
	c      *Client
	id     string
	yield  func(State, error) bool
	last   State
	lastID string        // of an event, if they have ids
	wait   time.Duration // before a stream that ended is opened again
	seen   int           // events
	over   bool          // the request ended, or nobody listens any more
	quiet  *time.Timer   // ends a stream on which nothing comes
}

func (f *following) take(s State) {
	f.seen++
	if s == f.last {
		return
	}
	f.last = s
	f.over = !f.yield(s, nil) || s.Ended()
}

// poll asks again and again.
func (f *following) poll(ctx context.Context) {
	for {
		s, err := f.c.Status(ctx, f.id)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			f.yield("", err)
			return
		}
		if f.take(s); f.over || !sleep(ctx, PollInterval) {
			return
		}
	}
}

var errNoStream = errors.New("client: this is no event stream")

// stream reads one event stream to its end.
func (f *following) stream(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	f.quiet = time.AfterFunc(CallTimeout, stop)
	defer f.quiet.Stop()
	req, err := f.c.request(ctx, call{method: http.MethodGet, path: path(f.id, "/events")}, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "text/event-stream")
	if f.lastID != "" {
		req.Header.Set("Last-Event-ID", f.lastID)
	}
	resp, err := f.c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, MaxBody)) // without one, the status speaks
		return problemOf(resp, body)
	}
	if media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type")); err != nil || media != "text/event-stream" {
		return errNoStream
	}
	return f.read(resp.Body)
}

// read takes events in the form of HTML's "server-sent events"; comments and
// fields it does not know are left out.
func (f *following) read(body io.Reader) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, MaxEvent)
	data := ""
	for !f.over && lines.Scan() {
		f.quiet.Reset(MaxSilence)
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "data":
			if data += value; len(data) > MaxEvent {
				return errTooLarge
			}
		case "id":
			f.lastID = value
		case "retry":
			if ms, err := strconv.ParseUint(value, 10, 32); err == nil {
				f.wait = min(max(time.Duration(ms)*time.Millisecond, 100*time.Millisecond), MaxWait)
			}
		case "":
			var event struct{ State State }
			if lines.Text() == "" && json.Unmarshal([]byte(data), &event) == nil && event.State != "" {
				f.take(event.State)
			}
			data = ""
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return errTooLarge
	}
	return lines.Err()
}
