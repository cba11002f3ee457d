package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"facet/verifier/server"
)

// An apiKeyConfig is an entry of api_keys_sha256: a hash, or an object that also
// says until when the key works.
type apiKeyConfig struct {
	SHA256 string    `json:"sha256"`
	Until  time.Time `json:"until"` // RFC 3339; zero: for good
}

// UnmarshalJSON reads either form strictly.
func (k *apiKeyConfig) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, &k.SHA256)
	}
	type plain apiKeyConfig
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode((*plain)(k))
}

// platformLimits are what one platform may do, in place of the general limits.
type platformLimits struct {
	Calls   int `json:"calls"`
	Misses  int `json:"misses"`
	Streams int `json:"streams"`
}

// addCallers reads a platform's keys and limits. seen holds which platform has
// which key.
func (s *verifierSetup) addCallers(p platformConfig, seen map[string]string, area string) (found []finding) {
	for _, k := range p.APIKeys {
		sum, err := hex.DecodeString(k.SHA256)
		if err != nil || len(sum) != sha256.Size {
			found = append(found, bad(area, "an entry of api_keys_sha256 is no SHA-256 in hex", "`facet verifier key` prints one."))
			continue
		}
		if other, twice := seen[k.SHA256]; twice && other != p.ID {
			found = append(found, bad(area, "it shares an API key with platform "+other, "Give each platform keys of its own."))
		}
		seen[k.SHA256] = p.ID
		s.keys = append(s.keys, server.APIKey{Platform: p.ID, SHA256: [sha256.Size]byte(sum), Until: k.Until})
	}
	switch {
	case len(p.APIKeys) == 0 && !p.Closed:
		found = append(found, bad(area, "it has no API key", "`facet verifier key` makes one; its SHA-256 goes into api_keys_sha256."))
	case len(p.APIKeys) > 0 && p.Closed:
		found = append(found, bad(area, "it is closed, but has API keys", "Remove them: a closed platform asks and reads nothing."))
	}
	if p.Limits != (platformLimits{}) {
		if s.each == nil {
			s.each = map[string]server.Limits{}
		}
		own := server.Limits{Calls: p.Limits.Calls, Misses: p.Limits.Misses, Streams: p.Limits.Streams}
		s.each[p.ID] = own
		found = append(found, checkLimits(area+": limits", own)...)
	}
	return found
}

func checkLimits(area string, l server.Limits) (found []finding) {
	for _, n := range []int{l.Wallet, l.OFREP, l.Log, l.Pages, l.FailedKeys, l.Calls, l.Misses, l.Streams} {
		if n < 0 {
			return []finding{bad(area, "a limit is negative", "It is a number a minute; leave it out for the default.")}
		}
	}
	return nil
}

// addProxies reads trusted_proxies and the general limits.
func (c *verifierConfig) addProxies(s *verifierSetup) (found []finding) {
	s.limits = c.Limits
	for _, text := range c.Proxies {
		p, err := netip.ParsePrefix(text)
		if a, single := netip.ParseAddr(text); single == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err == nil && p.Bits() == 0 {
			err = fmt.Errorf("%s is everybody", text)
		}
		if err != nil {
			found = append(found, bad("trusted_proxies", err.Error(), "Name the addresses or networks of your own proxies, such as 10.0.0.0/8."))
			continue
		}
		s.proxies = append(s.proxies, p.Masked())
	}
	return append(found, checkLimits("limits", c.Limits)...)
}
