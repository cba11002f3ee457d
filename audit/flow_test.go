package audit

import (
	"encoding/json"
	"os"
	"reflect"
	"testing"
)

// TestFlows: the schema that is published and the code that writes and reads
// know the same ways an answer travels.
func TestFlows(t *testing.T) {
	text, err := os.ReadFile("../schemas/entry.v1.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		OneOf []struct {
			Properties map[string]struct {
				Enum []Flow `json:"enum"`
			} `json:"properties"`
		} `json:"oneOf"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	known, kinds := []Flow{SameDevice, CrossDevice, DCAPI}, 0
	for _, kind := range schema.OneOf {
		if flows := kind.Properties["flow"].Enum; flows != nil {
			kinds++
			if !reflect.DeepEqual(flows, known) {
				t.Errorf("the schema has %v", flows)
			}
		}
	}
	if kinds != 2 {
		t.Errorf("%d kinds of entries have a flow", kinds)
	}
	for _, flow := range known {
		a := testAsked()
		a.Flow = flow
		for _, e := range []Entry{NewRequest(NewID(), testTime, a), NewUnanswered(NewID(), testTime, a, 1, Expired)} {
			leaf, err := Encode(e)
			if err != nil {
				t.Fatalf("%s: %v", flow, err)
			}
			got, err := Parse(leaf)
			if err != nil || !reflect.DeepEqual(got, e) {
				t.Errorf("%s: %+v, %v", flow, got, err)
			}
		}
	}
}
