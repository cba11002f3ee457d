package verifier_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// A document is what the test reads of an OpenAPI document.
type document struct {
	t     *testing.T
	paths map[string]map[string]any
	root  map[string]any
}

func readOpenAPI(t *testing.T, r *rig) document {
	t.Helper()
	got := r.do(call{method: "GET", url: baseURL + "/openapi.yaml"})
	var root map[string]any
	if err := yaml.Unmarshal(got.body, &root); err != nil {
		t.Fatalf("openapi.yaml: %v", err)
	}
	d := document{t: t, root: root, paths: map[string]map[string]any{}}
	for path, item := range root["paths"].(map[string]any) {
		d.paths[path] = item.(map[string]any)
	}
	return d
}

// at follows member names and references; a missing one ends the test.
func (d document) at(v any, names ...string) any {
	d.t.Helper()
	for _, name := range names {
		m, ok := v.(map[string]any)
		if ref, is := m["$ref"].(string); is {
			m, ok = d.at(d.root, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...).(map[string]any)
		}
		if v = m[name]; !ok || v == nil {
			d.t.Fatalf("openapi.yaml: no %s in %v", name, names)
		}
	}
	return v
}

// members are the properties of an answer's schema.
func (d document) members(path, method, status, media string) []string {
	d.t.Helper()
	schema := d.at(d.paths[path][method], "responses", status, "content", media, "schema")
	if ref, is := schema.(map[string]any)["$ref"].(string); is {
		schema = d.at(d.root, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	return slices.Sorted(maps.Keys(d.at(schema, "properties").(map[string]any)))
}

// TestOpenAPI holds the document to the running server: every operation is
// answered, every answer has only the members that are written down, and every
// error is a problem as described.
func TestOpenAPI(t *testing.T) {
	r := newRig(t)
	d := readOpenAPI(t, r)
	only := func(what string, a reply, allowed []string) {
		t.Helper()
		var m map[string]any
		if err := json.Unmarshal(a.body, &m); err != nil {
			t.Fatalf("%s: %d %s", what, a.status, a.body)
		}
		for name := range m {
			if !slices.Contains(allowed, name) {
				t.Errorf("%s has %s, which is not written down", what, name)
			}
		}
	}
	begun := r.api(keyNews, "POST", "/v1/requests", `{"policy":"claims","flow":"same_device","return_uri":"`+returnURI+`"}`)
	only("begin", begun, d.members("/v1/requests", "post", "201", "application/json"))
	b, code := r.released()
	state := r.api(keyNews, "GET", "/v1/requests/"+b.ID, "")
	only("state", state, d.members("/v1/requests/{id}", "get", "200", "application/json"))
	states := d.at(d.root, "components", "schemas", "State", "properties", "state", "enum").([]any)
	if !slices.Contains(states, any(state.field("state"))) {
		t.Errorf("state %s is not written down", state.field("state"))
	}
	only("result", r.result(keyNews, b.ID, code), d.members("/v1/requests/{id}/result", "post", "200", "application/json"))

	problem := d.at(d.root, "components", "responses", "Problem", "content", "application/problem+json", "schema", "properties").(map[string]any)
	for path, item := range d.paths {
		for method := range item {
			if method == "parameters" {
				continue
			}
			url := baseURL + strings.NewReplacer("{id}", strings.Repeat("A", 22), "{key}", "access.tier").Replace(path)
			got := r.do(call{method: strings.ToUpper(method), url: url, contentType: "application/json", body: "{}"})
			switch {
			case got.status != http.StatusUnauthorized:
				t.Errorf("%s %s without a key: %d %s", method, path, got.status, got.body)
			case strings.HasPrefix(path, "/v1/"):
				if got.header.Get("Content-Type") != "application/problem+json" {
					t.Errorf("%s: %s", path, got.header.Get("Content-Type"))
				}
				only(path, got, slices.Collect(maps.Keys(problem)))
			}
		}
	}
}

// TestOpenAPIWebhook holds the webhook's description to what is sent.
func TestOpenAPIWebhook(t *testing.T) {
	r, l := newListening(t)
	d := readOpenAPI(t, r)
	schema := d.at(d.root, "webhooks", "requestEnded", "post", "requestBody", "content", "application/json", "schema", "properties").(map[string]any)
	r.released()
	r.work()
	sent := map[string]any{}
	if err := json.Unmarshal([]byte(l.take()[0].body), &sent); err != nil {
		t.Fatal(err)
	}
	if got, want := slices.Sorted(maps.Keys(sent)), slices.Sorted(maps.Keys(schema)); !slices.Equal(got, want) {
		t.Errorf("sent %v, described %v", got, want)
	}
	types := d.at(schema["type"], "enum").([]any)
	if !slices.Contains(types, sent["type"]) {
		t.Errorf("%v is not described", sent["type"])
	}
}
