package issuer

import (
	"fmt"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// language is what the address asks for, else what the browser prefers, else
// German.
func language(c echo.Context) string {
	for _, wish := range append([]string{c.QueryParam("lang")}, strings.Split(c.Request().Header.Get("Accept-Language"), ",")...) {
		if tag, _, _ := strings.Cut(strings.TrimSpace(wish), ";"); len(tag) >= 2 {
			if _, ok := texts[strings.ToLower(tag[:2])]; ok {
				return strings.ToLower(tag[:2])
			}
		}
	}
	return "de"
}

// texts are the words of the pages by language; both have the same keys.
var texts = map[string]map[string]string{
	"de": {
		"title":       "Lindenstadt stellt aus",
		"intro":       "Hole dir hier zwei Nachweise für Facet. Sie liegen danach nur bei dir.",
		"demo":        "Das ist eine Vorführung. Amt, Zeitung und Nachweise sind erfunden und beweisen nichts.",
		"holds":       "Das steht darin",
		"other":       "English",
		"otherLang":   "en",
		"back":        "Zurück zur Auswahl",
		"letterTitle": "Dein Brief ist da",
		"letterIntro": "Im Alltag käme er mit der Post. So weiß die Stelle, dass nur du den Nachweis holst.",
		"greeting":    "Guten Tag,",
		"codeIntro":   "dein Nachweis liegt bereit. Facet fragt dich beim Holen nach diesem Code:",
		"codeLabel":   "Dein Code",
		"codeNote":    "Er gilt zehn Minuten und für fünf Versuche. Niemand wird dich am Telefon danach fragen.",
		"closing":     "Mit freundlichen Grüßen",
		"open":        "In Facet öffnen",
		"orScan":      "Facet ist auf einem anderen Gerät? Scanne diesen Code.",
		"qrLabel":     "QR-Code mit dem Link zu deinem Nachweis",
		"otherWallet": "In einer anderen Wallet-App öffnen",
		"codeFrom":    "Den Code findest du im Brief von %s.",
	},
	"en": {
		"title":       "Lindenstadt issues",
		"intro":       "Get two proofs for Facet here. Afterwards only you hold them.",
		"demo":        "This is a demonstration. Office, newspaper and proofs are made up and prove nothing.",
		"holds":       "What it says",
		"other":       "Deutsch",
		"otherLang":   "de",
		"back":        "Back to the choice",
		"letterTitle": "Your letter is here",
		"letterIntro": "In daily life it would come by post. That way the sender knows that only you fetch the proof.",
		"greeting":    "Hello,",
		"codeIntro":   "your proof is ready. Facet will ask you for this code when you fetch it:",
		"codeLabel":   "Your code",
		"codeNote":    "It is good for ten minutes and five tries. Nobody will ask you for it on the phone.",
		"closing":     "Kind regards",
		"open":        "Open in Facet",
		"orScan":      "Is Facet on another device? Scan this code.",
		"qrLabel":     "QR code with the link to your proof",
		"otherWallet": "Open in another wallet app",
		"codeFrom":    "You find the code in the letter from %s.",
	},
}

// describe words a card. Types the page has no words for keep their issuer's
// name.
func describe(a Authority, lang string) card {
	c := card{ID: a.ID, Name: a.Name, Style: "plain", Title: a.Name}
	words, ok := cards[a.VCT]
	if !ok {
		return c
	}
	w := words[lang]
	c.Style, c.Title, c.Lead, c.Button, c.Holds = styles[a.VCT], w.title, w.lead, w.button, w.holds
	return c
}

type words struct {
	title, lead, button string
	holds               []string
}

// styles are the looks of the style sheet, by type.
var styles = map[string]string{"urn:facet:age:1": "office", "urn:facet:media-membership:1": "paper"}

var cards = map[string]map[string]words{
	"urn:facet:age:1": {
		"de": {"Altersnachweis", "Zeigt, ob du ein Alter erreicht hast. Nie, wann du geboren bist.", "Altersnachweis holen",
			[]string{"Ob du 12, 16, 18, 21 oder 65 Jahre oder älter bist", "Kein Name, kein Geburtsdatum"}},
		"en": {"Proof of age", "Shows whether you have reached an age. Never when you were born.", "Get proof of age",
			[]string{"Whether you are 12, 16, 18, 21 or 65, or older", "No name, no date of birth"}},
	},
	"urn:facet:media-membership:1": {
		"de": {"Abo Plus", "Zeigt, dass du Abonnentin oder Abonnent bist. Ohne Kundennummer.", "Abo holen",
			[]string{"Dein Abo und was es umfasst", "Kein Name, keine Kundennummer"}},
		"en": {"Subscription Plus", "Shows that you are a subscriber. Without a customer number.", "Get subscription",
			[]string{"Your subscription and what it covers", "No name, no customer number"}},
	},
}

var months = []string{"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"}

func date(t time.Time, lang string) string {
	if lang == "de" {
		return fmt.Sprintf("%d. %s %d", t.Day(), months[t.Month()-1], t.Year())
	}
	return t.Format("2 January 2006")
}
