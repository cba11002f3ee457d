package issuer

import (
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"rsc.io/qr"

	"facet/credentials/claims"
	"facet/credentials/openid4vci"
	engine "facet/issuer"
)

//go:embed page
var files embed.FS

// pageCSP allows one style sheet and one form, and no script at all.
const pageCSP = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// pages are what a person sees.
type pages struct {
	config  Config
	issuers map[string]*engine.Issuer // by Authority.ID
	views   *template.Template
}

func newPages(c Config, issuers map[string]*engine.Issuer) (*pages, error) {
	views, err := template.New("").ParseFS(files, "page/*.html")
	if err != nil {
		return nil, fmt.Errorf("examples/issuer: %w", err)
	}
	return &pages{c, issuers, views}, nil
}

// Mount adds the pages. Only a form on the page itself may make an offer.
func (p *pages) Mount(g *echo.Group) {
	g.Use(secured)
	g.GET("/", p.home)
	g.POST("/", p.letter, echo.WrapMiddleware(http.NewCrossOriginProtection().Handler))
	g.GET("/style.css", p.style)
}

func secured(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("Content-Security-Policy", pageCSP)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Add("Vary", "Accept-Language")
		return next(c)
	}
}

// A view is what the templates see.
type view struct {
	Lang   string
	T      map[string]string
	Cards  []card
	Letter *letter
}

type card struct {
	ID, Name, Style, Title, Lead, Button string
	Holds                                []string
}

type letter struct {
	card
	Date        string
	Code        []string // the digits, in two groups
	CodeSpoken  string
	Link        template.URL
	OtherWallet template.URL
	QR          template.HTML
}

func (p *pages) home(c echo.Context) error {
	lang := language(c)
	return p.render(c, "home.html", http.StatusOK, view{Lang: lang, T: texts[lang], Cards: p.cards(lang)})
}

func (p *pages) cards(lang string) []card {
	var list []card
	for _, a := range p.config.Issuers {
		list = append(list, describe(a, lang))
	}
	return list
}

// letter makes an offer and shows what the post would bring.
func (p *pages) letter(c echo.Context) error {
	lang := language(c)
	id := c.FormValue("id")
	n := slices.IndexFunc(p.config.Issuers, func(a Authority) bool { return a.ID == id })
	if n < 0 {
		return p.render(c, "home.html", http.StatusBadRequest, view{Lang: lang, T: texts[lang], Cards: p.cards(lang)})
	}
	a, now := p.config.Issuers[n], p.config.Now()
	subject := a.Subject
	if subject == nil {
		subject = example(a.VCT, now)
	}
	offered, err := p.issuers[a.ID].NewOffer(c.Request().Context(), engine.OfferRequest{
		Subjects:    map[string]claims.Set{a.ID: subject},
		Description: fmt.Sprintf(texts[lang]["codeFrom"], a.Name),
	})
	if err != nil {
		return err
	}
	l, err := p.compose(a, offered, lang, now)
	if err != nil {
		return err
	}
	return p.render(c, "letter.html", http.StatusOK, view{Lang: lang, T: texts[lang], Letter: l})
}

func (p *pages) compose(a Authority, offered *engine.Offered, lang string, now time.Time) (*letter, error) {
	link := openid4vci.ReceiveURL(p.config.WalletURL, offered.URL)
	code, err := qr.Encode(link, qr.M)
	if err != nil {
		return nil, fmt.Errorf("examples/issuer: draw QR code: %w", err)
	}
	digits := string(offered.TxCode)
	return &letter{
		card: describe(a, lang), Date: date(now, lang),
		Code:       []string{digits[:len(digits)/2], digits[len(digits)/2:]},
		CodeSpoken: strings.Join(strings.Split(digits, ""), " "),
		// Both are built here of our own URLs; html/template would refuse the second's scheme.
		Link:        template.URL(link),
		OtherWallet: template.URL(openid4vci.SchemeURL(offered.URL)),
		QR:          drawQR(code, texts[lang]["qrLabel"]),
	}, nil
}

// drawQR draws the code as one path, dark on light in both themes, with the
// four modules of quiet around it that scanners need.
func drawQR(code *qr.Code, label string) template.HTML {
	const quiet = 4
	var path strings.Builder
	for y := range code.Size {
		for x := range code.Size {
			if code.Black(x, y) {
				fmt.Fprintf(&path, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	size := code.Size + 2*quiet
	return template.HTML(fmt.Sprintf(
		`<svg class="qr" viewBox="0 0 %d %d" role="img" aria-label="%s" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path fill="#111" d="%s"/></svg>`,
		size, size, template.HTMLEscapeString(label), size, size, path.String()))
}

func (p *pages) style(c echo.Context) error {
	css, err := files.ReadFile("page/style.css")
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-cache")
	return c.Blob(http.StatusOK, "text/css; charset=utf-8", css)
}

func (p *pages) render(c echo.Context, name string, status int, v view) error {
	var b strings.Builder
	if err := p.views.ExecuteTemplate(&b, name, v); err != nil {
		return err
	}
	return c.HTML(status, b.String())
}
