package verifier_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"facet/verifier"
)

// TestPostedAnswersAreNotHandedOver: what a wallet posted tells a platform
// nothing, even if it hands over an answer that is, put together, the very text
// of the post, while that waits for the log.
func TestPostedAnswersAreNotHandedOver(t *testing.T) {
	log := &valve{}
	r := newRig(t, withValve(log))
	b := r.begin("access", "same_device")
	a := r.compose(b, twist{})
	forged := verifier.Answer{Platform: "news", ID: b.ID, Protocol: "&" + a.form.Encode() + "&", Data: json.RawMessage{}}
	post := func() reply {
		return r.do(call{method: "POST", url: a.req.ResponseURI, contentType: a.media, body: `"` + forged.Protocol + `" "" ""`})
	}
	log.shut.Store(true)
	post().want(t, http.StatusServiceUnavailable, "temporarily_unavailable", verifier.ReasonUnavailable)
	log.shut.Store(false)
	if got, err := r.engine.Answer(t.Context(), forged); err == nil {
		t.Errorf("the platform got %+v", got)
	}
	if got := post(); got.status != http.StatusOK {
		t.Errorf("the wallet: %d %s", got.status, got.body)
	}
}
