package sdjwt

import "testing"

func TestParseJSONRefuses(t *testing.T) {
	key := newKey(t)
	name := disclosure(`["c2FsdA","name","Ada"]`)
	s, err := Parse(forge(t, key, sd(name), name))
	if err != nil {
		t.Fatal(err)
	}
	p, b, g := s.part(0), s.part(1), s.part(2)
	flat := func(header string) string {
		return `{"payload":"` + b + `","protected":"` + p + `","signature":"` + g + `"` + header + `}`
	}
	entry := func(header string) string {
		return `{"protected":"` + p + `","signature":"` + g + `"` + header + `}`
	}
	general := func(entries string) string { return `{"payload":"` + b + `","signatures":[` + entries + `]}` }
	disclosed := `,"header":{"disclosures":["` + name + `"]}`
	for _, tt := range []struct{ name, text, want string }{
		{"flattened", flat(disclosed), ""},
		{"general", general(entry(disclosed)), ""},
		{"second signature", general(entry(disclosed) + `,` + entry("")), ""},
		{"kid beside", flat(`,"header":{"kid":"x","disclosures":["` + name + `"]}`), ""},
		{"no header", flat(""), ""},
		{"disclosures in the second", general(entry("") + `,` + entry(disclosed)), "sdjwt_format"},
		{"both forms", `{"payload":"` + b + `","protected":"` + p + `","signatures":[` + entry("") + `]}`, "sdjwt_format"},
		{"no signatures", general(""), "sdjwt_format"},
		{"no payload", entry(""), "sdjwt_format"},
		{"signature missing", `{"payload":"` + b + `","protected":"` + p + `"}`, "sdjwt_format"},
		{"alg moved out", flat(`,"header":{"alg":"ES256"}`), "jose_alg_not_allowed"},
		{"header not an object", flat(`,"header":"x"`), "sdjwt_format"},
		{"disclosures not an array", flat(`,"header":{"disclosures":"` + name + `"}`), "sdjwt_format"},
		{"two disclosures in one", flat(`,"header":{"disclosures":["` + name + `~` + name + `"]}`), "sdjwt_format"},
		{"empty disclosure", flat(`,"header":{"disclosures":[""]}`), "sdjwt_format"},
		{"kb_jwt not text", flat(`,"header":{"kb_jwt":7}`), "sdjwt_format"},
		{"kb_jwt no token", flat(`,"header":{"kb_jwt":"x"}`), "sdjwt_format"},
		{"token smuggled into payload", `{"payload":"` + b + `.` + g + `~` + name + `","protected":"` + p + `","signature":"x"}`, "sdjwt_format"},
		{"member twice", `{"payload":"` + b + `","payload":"` + b + `","protected":"` + p + `","signature":"` + g + `"}`, "json_duplicate_member"},
		{"not an object", `[]`, "json_malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseJSON([]byte(tt.text))
			if reason(err) != tt.want {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if err == nil {
				if _, err := got.Verify(key.Public(), VerifyOptions{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
