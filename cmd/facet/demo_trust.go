package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	demoissuer "facet/examples/issuer"
	"facet/schemas"
	"facet/store/bolt"
)

// demoTrust is the demo's trust list. Wallets remember its version and refuse to
// go back, so it is kept beside the certificates: it stays while it says the
// same, and has a higher version as soon as it does not, for instance because
// the certificates were made anew.
func demoTrust(dir, issuerURL string, ids map[string]demoIdentity, site demoSite, now time.Time) (json.RawMessage, error) {
	path := filepath.Join(dir, "trust-list.json")
	var last struct {
		Version int64 `json:"version"`
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &last)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	same, err := trustList(last.Version, issuerURL, ids, site)
	if err != nil || bytes.Equal(same, text) {
		return same, err
	}
	list, err := trustList(max(now.Unix(), last.Version+1), issuerURL, ids, site)
	if err != nil {
		return nil, err
	}
	return list, bolt.WriteFile(path, list)
}

// trustList vouches for the demo's parties, a site that is tried out if there is
// one, and nobody else.
func trustList(version int64, issuerURL string, ids map[string]demoIdentity, site demoSite) (json.RawMessage, error) {
	type text = map[string]string
	issuer := func(id, name, vct string, p demoParty) map[string]any {
		return map[string]any{"id": demoissuer.Identifier(issuerURL, id), "name": name, "vct": []string{vct}, "anchor": ids[p.file].anchor,
			"leaf": text{"organization": p.organization, "san": p.domain}}
	}
	var tried []any
	if site.url != "" {
		tried = append(tried, site.vouched())
	}
	town, abo, paper := demoParties[0], demoParties[1], demoParties[2]
	return json.Marshal(map[string]any{
		"version": version, "name": text{"de": "Vertrauensliste der Vorführung", "en": "Trust list of the demonstration"},
		"issuers": []any{
			issuer("age", "Bürgeramt Lindenstadt", schemas.Age, town),
			issuer("abo", "Morgenblatt", schemas.MediaMembership, abo),
		},
		"verifiers": append([]any{map[string]any{
			"id": paper.file, "name": "Morgenblatt", "domain": paper.domain, "anchor": ids[paper.file].anchor,
			"register": text{"de": "Medienregister", "en": "media register"},
			"leaf":     text{"organization": paper.organization, "san": paper.domain},
		}}, tried...),
	})
}
