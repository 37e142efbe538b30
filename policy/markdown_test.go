package policy

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
)

func TestHTML(t *testing.T) {
	for _, c := range []struct{ name, md, want string }{
		{"headings move down two levels", "# A\n\n## B\n\n##### E", "<h3>A</h3>\n<h4>B</h4>\n<h6>E</h6>\n"},
		{"underlined heading", "A\n=", "<h3>A</h3>\n"},
		{"list", "- a\n- b\n\n3. c", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n<ol start=\"3\">\n<li>c</li>\n</ol>\n"},
		{"tags are words", "a <b>bold</b> claim", "<p>a &lt;b&gt;bold&lt;/b&gt; claim</p>\n"},
		{"a script is words", "<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"},
		{"an event is words", `<img src=x onerror="alert(1)">`, "<p>&lt;img src=x onerror=&#34;alert(1)&#34;&gt;</p>\n"},
		{"link", "[us](https://tieout.example/a?b=1&c=2 'title')", `<p><a href="https://tieout.example/a?b=1&amp;c=2" rel="nofollow noopener">us</a></p>` + "\n"},
		{"link here", "[policy](/policies/a#b)", `<p><a href="/policies/a#b" rel="nofollow noopener">policy</a></p>` + "\n"},
		{"mail", "<security@halyard.example>", `<p><a href="mailto:security@halyard.example" rel="nofollow noopener">security@halyard.example</a></p>` + "\n"},
		{"a script as a link", "[x](javascript:alert(1))", "<p>x</p>\n"},
		{"a script as a link, disguised", "[x](&#106;ava&#x09;script&colon;alert(1))", "<p>x</p>\n"},
		{"data as a link", "[x](data:text/html;base64,AAAA) <data:text/html,a>", "<p>x data:text/html,a</p>\n"},
		{"another server without a scheme", "[x](//evil.example) [y](/\\evil.example)", `<p>x <a href="/%5Cevil.example" rel="nofollow noopener">y</a></p>` + "\n"},
		{"another scheme", "[x](vbscript:a) <ftp://evil.example/>", "<p>x ftp://evil.example/</p>\n"},
		{"definition elsewhere", "[x][1]\n\n[1]: javascript:alert(1)", "<p>x</p>\n"},
		{"image", "![a *chart*](https://evil.example/pixel.png)", "<p>a <em>chart</em></p>\n"},
		{"image in a link", "[![a](/x.png)](https://a.example/)", `<p><a href="https://a.example/" rel="nofollow noopener">a</a></p>` + "\n"},
		{"table", "| a | b |\n|:--|--:|\n| c | d |", "<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>c</td>\n<td>d</td>\n</tr>\n</tbody>\n</table>\n"},
		{"code", "```html\n<b onclick=x>\n```", "<pre><code>&lt;b onclick=x&gt;\n</code></pre>\n"},
		{"control in brackets", "It ends in a day [IAM-02].", "<p>It ends in a day [IAM-02].</p>\n"},
		{"what nobody sees", "pay\u202eload\x00 here\xff", "<p>payload here\ufffd</p>\n"},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := string(HTML(c.md))
			if got != c.want {
				t.Errorf("HTML(%q)\n got %q\nwant %q", c.md, got, c.want)
			}
			checkInert(t, got)
		})
	}
}

func TestArticle(t *testing.T) {
	for _, c := range []struct{ name, title, md, want string }{
		{"the title is the page's", "A  b", "\n# A b\n\nText.\n\n## C\n\n### D\n", "<p>Text.</p>\n<h3>C</h3>\n<h4>D</h4>\n"},
		{"another title", "A", "# B\n\n## C", "<h3>B</h3>\n<h4>C</h4>\n"},
		{"no title", "A", "Text.\n\n# A", "<p>Text.</p>\n<h3>A</h3>\n"},
		{"a second title", "A", "# A\n\n# B\n\n## C", "<h3>B</h3>\n<h3>C</h3>\n"},
		{"nothing below", "A", "# A", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(Article(c.title, c.md)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestHTMLLong: a text beyond the bound is shown as it is written, and one that
// takes a parser's time is not let take it.
func TestHTMLLong(t *testing.T) {
	long := strings.Repeat("<b>*a*</b> ", MaxSize/10)
	got := string(HTML(long))
	if !strings.HasPrefix(got, "<pre>&lt;b&gt;*a*") {
		t.Errorf("a text of %d bytes begins %q", len(long), got[:40])
	}
	for _, unit := range []string{"[", "> ", "*a **b ", "`", "![", "- ", "<", "|a", "[a](", "\\", "&#", "1. ", "> - ", "[a]: b\n", "- [a](b\n", "_a", "\t"} {
		text := strings.Repeat(unit, MaxSize/len(unit)/4)
		begun := time.Now()
		checkInert(t, string(HTML(text)))
		if took := time.Since(begun); took > 4*time.Second {
			t.Errorf("%d bytes of %q take %s", len(text), unit, took)
		}
	}
}

// checkInert reads HTML as a browser does and wants nothing in it that acts or
// that fetches: only known elements, only links that may lead somewhere.
func checkInert(t *testing.T, page string) {
	t.Helper()
	known := []string{"h3", "h4", "h5", "h6", "p", "br", "hr", "strong", "em", "code", "pre", "blockquote", "ul", "ol", "li",
		"table", "thead", "tbody", "tr", "th", "td", "a", "ins", "del", "span"}
	z := html.NewTokenizer(strings.NewReader(page))
	for z.Next() != html.ErrorToken {
		token := z.Token()
		switch token.Type {
		case html.CommentToken, html.DoctypeToken:
			t.Errorf("%s in %q", token, page)
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			if !slices.Contains(known, token.Data) {
				t.Errorf("an element %q in %q", token.Data, page)
			}
		}
		for _, a := range token.Attr {
			checkAttribute(t, token.Data, a)
		}
	}
}

func checkAttribute(t *testing.T, element string, a html.Attribute) {
	t.Helper()
	switch element + " " + a.Key {
	case "ol start", "li value", "span class":
		return
	case "a rel":
		if a.Val == "nofollow noopener" {
			return
		}
	case "a href":
		u, err := url.Parse(a.Val)
		if err == nil && slices.Contains([]string{"http", "https", "mailto", ""}, u.Scheme) && (u.Scheme != "" || u.Host == "") && !strings.HasPrefix(a.Val, "//") && !strings.Contains(a.Val, "\\") {
			return
		}
	}
	t.Errorf("%s has %s=%q", element, a.Key, a.Val)
}

func FuzzHTML(f *testing.F) {
	for _, s := range []string{"# a\n\n- b [c](d)\n", "<script>", "[a](javascript:x)", "![a](data:x)", "<a href='x' onclick=y>", "[a]: //x\n\n[a]", "|a|\n|-|\n|[b](\tx)|",
		"```\n<b>", "&lt;script&gt;", "a\u202eb", "[x](&#106;avascript:x)", "<javascript:x>", "[a](<//b\\c>)", "> - 1. a\n\n      b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, md string) {
		got := string(HTML(md))
		checkInert(t, got)
		if again := string(HTML(md)); again != got {
			t.Errorf("%q gives %q, then %q", md, got, again)
		}
		checkInert(t, string(Article("a", "# a\n"+md)))
		Text(md)
	})
}

func TestText(t *testing.T) {
	for _, c := range []struct{ name, md, want string }{
		{"headings", "# One & two\n\n## Three\n\nText.", "One & two\n=========\n\nThree\n-----\n\nText.\n"},
		{"broken lines", "a\nb  \nc", "a b c\n"},
		{"list", "Before:\n\n1. a *b*\n2. c\n   - d\n\nAfter.", "Before:\n\n1. a b\n2. c\n  - d\n\nAfter.\n"},
		{"link", "See [the page](https://a.example/b) or <https://c.example/>.", "See the page (https://a.example/b) or https://c.example/.\n"},
		{"mail", "[Ann](mailto:ann@a.example)", "Ann (ann@a.example)\n"},
		{"unsafe link", "[x](javascript:alert)", "x\n"},
		{"escapes", `5 \* 6 &amp; "7" <b>`, "5 * 6 & \"7\" <b>\n"},
		{"code", "`a\\*b`\n\n    c\n      d", "a\\*b\n\n    c\n      d\n"},
		{"table", "| a | b |\n|---|---|\n| c | d |", "a | b\nc | d\n"},
		{"quote", "> a", "  a\n"},
		{"wrapped", strings.Repeat("word ", 20), strings.TrimSpace(strings.Repeat("word ", 15)) + "\n" + strings.TrimSpace(strings.Repeat("word ", 5)) + "\n"},
		{"nothing", " \n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Text(c.md); got != c.want {
				t.Errorf("Text(%q)\n got %q\nwant %q", c.md, got, c.want)
			}
		})
	}
}
