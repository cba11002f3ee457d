package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
)

const newsroomPolicies = "../../examples/newsroom/policies/"

func policyRun(t *testing.T, stdin string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, bad bytes.Buffer
	err = policyCommand.run(context.Background(), &environ{stdin: strings.NewReader(stdin), stdout: &out, stderr: &bad}, args)
	return out.String(), bad.String(), err
}

func TestPolicyCommand(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"lint", newsroomPolicies + "home.yaml", newsroomPolicies + "agegate.yaml"}, []string{"home.yaml: ok, version 4, 5 hints", "agegate.yaml: ok"}},
		{[]string{"compile", newsroomPolicies + "agegate.yaml"}, []string{`"age_equal_or_over"`, "sha256  "}},
		{[]string{"preview", newsroomPolicies + "home.yaml", "--lang", "de", "member.tier=plus", "prefs.depth=overview", "prefs.topics=669"}, []string{"Du hast „Überblick“ gewählt, darum sind Texte kurz.", "Reise", "identifying: somewhat"}},
		{[]string{"explain", newsroomPolicies + "today.yaml"}, []string{"today.time_budget_min (self-asserted)", "Nothing else can be asked"}},
	} {
		out, bad, err := policyRun(t, "", tt.args...)
		if err != nil {
			t.Errorf("%v: %v %s", tt.args, err, bad)
		}
		for _, w := range tt.want {
			if !strings.Contains(out, w) {
				t.Errorf("%v lacks %q:\n%s", tt.args, w, out)
			}
		}
	}
}

func TestPolicyCommandRefuses(t *testing.T) {
	var exit *exitError
	out, _, err := policyRun(t, "policy: x\npurpose: marketing\n", "lint", "-")
	if !errors.As(err, &exit) || exit.code != 1 || !strings.Contains(out, "-:2:1: purpose:") {
		t.Errorf("lint: %v\n%s", err, out)
	}
	for _, args := range [][]string{{"lint"}, {"frobnicate", newsroomPolicies + "home.yaml"}, {"preview", newsroomPolicies + "home.yaml", "prefs.tone=formal"}, {"explain", newsroomPolicies + "home.yaml", "--lang", "fr"}} {
		if _, _, err := policyRun(t, "", args...); !errors.Is(err, errUsage) {
			t.Errorf("%v: %v", args, err)
		}
	}
}
