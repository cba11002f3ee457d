package server

import "testing"

// TestNoPlatformTakesEveryStream: one platform's open streams leave room for the
// others', and a closed one makes room again.
func TestNoPlatformTakesEveryStream(t *testing.T) {
	if MaxStreamsEach >= MaxStreams {
		t.Fatal("one platform may take them all")
	}
	p := newPlaces(3, 2)
	for _, step := range []struct {
		name string
		want bool
	}{{"greedy", true}, {"greedy", true}, {"greedy", false}, {"other", true}, {"third", false}} {
		if got := p.take(step.name); got != step.want {
			t.Errorf("%s got a place: %t", step.name, got)
		}
	}
	p.leave("greedy")
	if !p.take("third") || p.take("greedy") {
		t.Error("the place that was left is not the next one's")
	}
}
