package verifier_test

import (
	"net/http"
	"testing"

	"facet/verifier"
)

// TestConfigurationDowngradesNoRequest changes a platform's weakening between
// request and answer: what was asked for encrypted is taken in no other form,
// and what was asked for in the clear still is.
func TestConfigurationDowngradesNoRequest(t *testing.T) {
	r := newRig(t)
	plain := twist{form: func(a *answer) {
		a.req.ResponseMode = "direct_post"
		a.encrypt()
	}}
	weaken := func(on bool) {
		r.change = func(p *verifier.Platform) { p.InsecureUnencrypted = on }
		if err := r.engine.Reconfigure(t.Context(), r.platforms()); err != nil {
			t.Fatal(err)
		}
	}
	sealed := r.compose(r.begin("access", "same_device"), plain)
	weaken(true)
	sealed.send().want(t, http.StatusBadRequest, "invalid_request", "response_not_encrypted")
	open := r.compose(r.begin("access", "same_device"), plain)
	weaken(false)
	if got := open.send(); got.status != http.StatusOK {
		t.Errorf("what was asked for in the clear: %+v", got)
	}
}
