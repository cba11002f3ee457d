// Package hostile attacks whole engines: a hundred attempts at once on
// everything that may happen only once, on every storage backend and over
// several engines; floods of hostile requests against the real HTTP server.
//
// Hostile input to a single parser is tested in its room, by the rows of
// test/testdata/badcases.tsv; killed processes in cmd/facet and
// verifier/auditlog. Normal runs do a part; FACET_SOAK=1 (make soak) the whole,
// and only then times are judged.
package hostile
