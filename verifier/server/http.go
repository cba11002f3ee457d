package server

import (
	"net/http"
	"time"
)

// How long a connection may take over each of its parts, and how large its
// headers may be. An event stream lifts its own AnswerTime.
const (
	HeaderTime = 5 * time.Second
	BodyTime   = 30 * time.Second // with the header
	AnswerTime = 5 * time.Minute  // a large page over a slow line
	IdleTime   = 2 * time.Minute
	MaxHeader  = 16 << 10 // bytes
)

// HTTP returns an http.Server in which no client can hold a connection for as
// long as it likes: not by writing slowly, and not by reading slowly.
func HTTP(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: HeaderTime, ReadTimeout: BodyTime, WriteTimeout: AnswerTime, IdleTimeout: IdleTime,
		MaxHeaderBytes: MaxHeader,
	}
}
