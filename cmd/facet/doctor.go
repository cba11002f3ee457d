package main

// How serious a finding is.
const (
	levelOK      = "ok"
	levelWarning = "warning"
	levelProblem = "problem"
)

// A finding is one thing that was looked at.
type finding struct {
	Area  string `json:"area"`
	Level string `json:"level"`
	What  string `json:"what"`
	Mend  string `json:"mend,omitempty"` // what to do about it
}

func bad(area, what, mend string) finding  { return finding{area, levelProblem, what, mend} }
func warn(area, what, mend string) finding { return finding{area, levelWarning, what, mend} }
