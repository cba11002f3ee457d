package main

import (
	"facet/credentials/did"
	"facet/credentials/did/aries"
	"facet/fetch"
)

// didResolver knows did:jwk, did:key and, through the guarded fetcher, did:web;
// with insecureHTTP that over http, which the fetcher allows on this machine only.
func didResolver(f fetch.Fetcher, insecureHTTP bool) (did.Methods, error) {
	all := did.SelfContained()
	fetched, err := aries.Methods(aries.Config{Fetch: f, InsecureHTTP: insecureHTTP})
	if err != nil {
		return nil, err
	}
	all["web"] = fetched["web"]
	return all, nil
}
