package wallet

import (
	"encoding/json"
	"errors"
)

// Hosts maps where an issuer answers to what it is called: its identifier
// (OpenID4VCI §12.2.1), or the host name its certificate is for. It is for the
// page that asks before anything is signed; whether a credential is trusted is
// the TrustStore's decision alone.
type Hosts map[string]string

// ParseHosts reads the issuers of a trust list (schema
// urn:facet:schema:trust-list:1), which credentials.ParseTrustList has checked.
func ParseHosts(trustList []byte) (Hosts, error) {
	var list struct {
		Issuers []struct {
			ID   string          `json:"id"`
			Name json.RawMessage `json:"name"`
			Leaf struct {
				SAN string `json:"san"`
			} `json:"leaf"`
		} `json:"issuers"`
	}
	if err := json.Unmarshal(trustList, &list); err != nil {
		return nil, errors.New("wallet: the trust list is not JSON")
	}
	hosts := Hosts{}
	for _, i := range list.Issuers {
		name := ""
		if json.Unmarshal(i.Name, &name) != nil {
			var names Text
			if err := json.Unmarshal(i.Name, &names); err != nil {
				return nil, errors.New("wallet: an issuer of the trust list has no name")
			}
			name = complete(names, i.ID)["de"]
		}
		for _, at := range []string{i.ID, i.Leaf.SAN} {
			if at != "" {
				hosts[at] = name
			}
		}
	}
	return hosts, nil
}

// at finds who answers under an identifier on a host.
func (h Hosts) at(identifier, host string) (name string, ok bool) {
	if name, ok = h[identifier]; ok {
		return name, true
	}
	name, ok = h[host]
	return name, ok
}
