package test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// claimPages say what the code does and which test shows it: every symbol, test
// and reason they name must exist.
var claimPages = []string{"docs/specs.md", "SECURITY.md"}

// toCome are files that pages may link to before they are made.
var toCome = []string{"docs/pictures/request.png"} // `make look` draws it

var (
	codeSpan   = regexp.MustCompile("`([^`\n]+)`")
	testSpan   = regexp.MustCompile(`^([a-z0-9/]+): ((?:Test|Fuzz)[A-Za-z0-9]+)(?:/(.+))?$`)
	symbolSpan = regexp.MustCompile(`^([a-z0-9/]+)\.([A-Z][A-Za-z0-9]*)(?:\.([A-Za-z][A-Za-z0-9]*))?$`)
	reasonSpan = regexp.MustCompile(`^[a-z0-9]+(?:_[a-z0-9]+)+$`)
	folderSpan = regexp.MustCompile(`^[a-z0-9]+(?:/[a-z0-9.]+)+$`)
	mdLink     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
)

// A room is what one folder of Go declares.
type room struct {
	symbols  map[string]bool // Name and Type.Member
	tests    map[string]bool
	literals map[string]bool // string literals of the package
	subtests []string        // string literals of its tests
}

// TestPagesNameWhatExists reads the pages that make claims and looks up every
// symbol, test, subtest, reason and folder they name.
func TestPagesNameWhatExists(t *testing.T) {
	rooms := declared(t)
	literals := map[string]bool{}
	for _, r := range rooms {
		for s := range r.literals {
			literals[s] = true
		}
	}
	for _, page := range claimPages {
		named := 0
		for n, line := range lines(t, page) {
			for _, span := range spans(page, line) {
				named++
				if problem := span.check(rooms, literals); problem != "" {
					t.Errorf("%s:%d: `%s`: %s", page, n+1, span.text, problem)
				}
			}
		}
		if named < 30 {
			t.Errorf("%s: only %d names found; is it still written as this test reads it?", page, named)
		}
	}
}

// A span is a piece of code in a page's text.
type span struct {
	text   string
	reason bool // may be a reason code
}

// spans finds the code in a line. In specs.md only a table's last column holds
// reasons: elsewhere such words are members of messages.
func spans(page, line string) []span {
	cells := strings.Split(strings.Trim(line, "| "), " | ")
	last := len(cells) - 1
	var out []span
	for i, cell := range cells {
		for _, m := range codeSpan.FindAllStringSubmatch(cell, -1) {
			isReason := page != "docs/specs.md" || strings.HasPrefix(line, "|") && i == last
			out = append(out, span{m[1], isReason})
		}
	}
	return out
}

func (s span) check(rooms map[string]*room, literals map[string]bool) string {
	if m := testSpan.FindStringSubmatch(s.text); m != nil {
		return checkTest(rooms[m[1]], m[2], m[3])
	}
	if m := symbolSpan.FindStringSubmatch(s.text); m != nil {
		return checkSymbol(rooms, m[1], m[2], m[3])
	}
	switch {
	case s.reason && reasonSpan.MatchString(s.text) && !literals[s.text]:
		return "no code gives this reason"
	case folderSpan.MatchString(s.text):
		if _, err := os.Stat(filepath.Join("..", s.text)); err != nil {
			return "no such file or folder"
		}
	}
	return ""
}

// checkTest looks up a test and its subtests, given as "A,B" or "outer/inner".
func checkTest(r *room, name, subtests string) string {
	if r == nil || !r.tests[name] {
		return "no such test"
	}
	for _, want := range strings.FieldsFunc(subtests, func(c rune) bool { return c == ',' || c == '/' }) {
		begins := func(literal string) bool {
			rest, ok := strings.CutPrefix(literal, want)
			return ok && (rest == "" || rest[0] == '/' || rest[0] == ' ')
		}
		if !slices.ContainsFunc(r.subtests, begins) {
			return "no subtest " + want
		}
	}
	return ""
}

// checkSymbol looks up pkg.Name or pkg.Type.Member, pkg being a folder or its
// last part.
func checkSymbol(rooms map[string]*room, pkg, name, member string) string {
	if member != "" {
		name += "." + member
	}
	known := false
	for folder, r := range rooms {
		if folder != pkg && path.Base(folder) != pkg {
			continue
		}
		if known = true; r.symbols[name] {
			return ""
		}
	}
	if !known {
		return "no such package"
	}
	return "no such symbol"
}

// declared parses every Go file of the house.
func declared(t *testing.T) map[string]*room {
	t.Helper()
	rooms := map[string]*room{}
	for _, s := range sources(t) {
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", s.file), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		r := rooms[s.pkg]
		if r == nil {
			r = &room{symbols: map[string]bool{}, tests: map[string]bool{}, literals: map[string]bool{}}
			rooms[s.pkg] = r
		}
		r.read(f, s.test)
	}
	return rooms
}

func (r *room) read(f *ast.File, test bool) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			r.readFunc(d, test)
		case *ast.GenDecl:
			for _, s := range d.Specs {
				r.readSpec(s)
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text, err := strconv.Unquote(lit.Value)
			switch {
			case err != nil:
			case test:
				r.subtests = append(r.subtests, text)
			default:
				r.literals[text] = true
			}
		}
		return true
	})
}

func (r *room) readFunc(d *ast.FuncDecl, test bool) {
	switch {
	case d.Recv == nil && test:
		r.tests[d.Name.Name] = true
	case d.Recv == nil:
		r.symbols[d.Name.Name] = true
	default:
		of := d.Recv.List[0].Type
		if star, ok := of.(*ast.StarExpr); ok {
			of = star.X
		}
		if id, ok := of.(*ast.Ident); ok {
			r.symbols[id.Name+"."+d.Name.Name] = true
		}
	}
}

func (r *room) readSpec(s ast.Spec) {
	switch s := s.(type) {
	case *ast.ValueSpec:
		for _, n := range s.Names {
			r.symbols[n.Name] = true
		}
	case *ast.TypeSpec:
		r.symbols[s.Name.Name] = true
		var members *ast.FieldList
		switch of := s.Type.(type) {
		case *ast.StructType:
			members = of.Fields
		case *ast.InterfaceType:
			members = of.Methods
		default:
			return
		}
		for _, m := range members.List {
			for _, n := range m.Names {
				r.symbols[s.Name.Name+"."+n.Name] = true
			}
		}
	}
}

func lines(t *testing.T, file string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(b), "\n")
}

// pages lists every Markdown file of the repository.
func pages(t *testing.T) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(p, ".."+string(filepath.Separator)))
		if d.IsDir() && (slices.Contains([]string{"node_modules", "data", "out"}, d.Name()) || strings.HasPrefix(d.Name(), ".") && d.Name() != "..") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(p, ".md") {
			out = append(out, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestLinksResolve follows every relative link, headings included.
func TestLinksResolve(t *testing.T) {
	followed := 0
	for _, page := range pages(t) {
		for n, line := range lines(t, page) {
			for _, m := range mdLink.FindAllStringSubmatch(line, -1) {
				target, heading, _ := strings.Cut(m[1], "#")
				if strings.Contains(target, ":") {
					continue // another site
				}
				file := page
				if target != "" {
					file = path.Join(path.Dir(page), target)
				}
				followed++
				if slices.Contains(toCome, file) {
					continue
				}
				if _, err := os.Stat(filepath.Join("..", file)); err != nil {
					t.Errorf("%s:%d: %s does not exist", page, n+1, m[1])
				} else if heading != "" && !slices.Contains(headings(t, file), heading) {
					t.Errorf("%s:%d: %s has no such heading", page, n+1, m[1])
				}
			}
		}
	}
	if followed < 20 {
		t.Errorf("only %d links found", followed)
	}
}

// headings are the fragments a page's headings get.
func headings(t *testing.T, page string) []string {
	var out []string
	for _, line := range lines(t, page) {
		text := strings.TrimLeft(line, "#")
		if text == line || !strings.HasPrefix(text, " ") {
			continue
		}
		keep := func(c rune) rune {
			switch {
			case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_', c > 127:
				return c
			case c == ' ':
				return '-'
			}
			return -1
		}
		out = append(out, strings.Map(keep, strings.ToLower(strings.TrimSpace(text))))
	}
	return out
}

// TestReadmeShowsTheSite: what the README shows is the file that is compiled
// and tested; "// …" stands for lines left out.
func TestReadmeShowsTheSite(t *testing.T) {
	_, rest, _ := strings.Cut(strings.Join(lines(t, "README.md"), "\n"), "<!-- site -->\n```go\n")
	block, _, ok := strings.Cut(rest, "\n```\n<!-- /site -->")
	if !ok || strings.Count(block, "\n") < 20 {
		t.Fatal("README.md has no site between its markers")
	}
	file := strings.Join(lines(t, "examples/site/site.go"), "\n")
	for _, part := range strings.Split(block, "\n// …\n") {
		_, after, found := strings.Cut(file, "\n"+part+"\n")
		if !found {
			t.Fatalf("these lines do not stand in examples/site/site.go, in this order:\n%s", part)
		}
		file = "\n" + after
	}
}

// TestEveryDecisionIsListed ties the records to their list.
func TestEveryDecisionIsListed(t *testing.T) {
	list := strings.Join(lines(t, "docs/decisions/README.md"), "\n")
	records, err := filepath.Glob(filepath.Join("..", "docs", "decisions", "0*.md"))
	if err != nil || len(records) < 13 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	for i, record := range records {
		name := filepath.Base(record)
		title, ok := strings.CutPrefix(lines(t, "docs/decisions/"+name)[0], "# "+name[:4]+": ")
		switch {
		case !ok:
			t.Errorf("%s does not begin with its number and title", name)
		case i > 0 && filepath.Base(records[i-1])[:4] == name[:4]:
			t.Errorf("%s: its number is taken", name)
		case !strings.Contains(list, "- ["+name[:4]+"]("+name+") "+title+"\n"):
			t.Errorf("%s is not in the list under its title %q", name, title)
		}
	}
}
