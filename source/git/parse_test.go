package git

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"tieout/audit"
	"tieout/source/sourcetest"
)

const plainCommit = "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor Ann <ann@example.com> 1700000000 +0100\ncommitter Bob <bob@example.com> 1700000001 -0700\n\nHello\n"

func TestReadCommit(t *testing.T) {
	for _, tc := range []struct{ name, data, want string }{
		{"plain", plainCommit, `ann@example.com 2023-11-14T22:13:20Z bob@example.com true [] false "Hello\n"`},
		{"signed, two parents", strings.Replace(plainCommit, "author", "parent a\nparent b\nauthor", 1) + "x",
			`ann@example.com 2023-11-14T22:13:20Z bob@example.com true [a b] false "Hello\nx"`},
		{"signature", strings.Replace(plainCommit, "\n\n", "\ngpgsig -----BEGIN SSH SIGNATURE-----\n parent zz\n\n", 1),
			`ann@example.com 2023-11-14T22:13:20Z bob@example.com true [] true "Hello\n"`},
		{"negative time", strings.Replace(plainCommit, "1700000001", "-1", 1), `ann@example.com 2023-11-14T22:13:20Z bob@example.com true [] false "Hello\n"`},
		{"huge time", strings.Replace(plainCommit, "1700000001", "99999999999999999999", 1), `ann@example.com 2023-11-14T22:13:20Z bob@example.com false [] false "Hello\n"`},
		{"odd zone", strings.Replace(plainCommit, "-0700", "+99999", 1), `ann@example.com 2023-11-14T22:13:20Z bob@example.com true [] false "Hello\n"`},
		{"no message", strings.TrimSuffix(plainCommit, "\nHello\n"), `ann@example.com 2023-11-14T22:13:20Z bob@example.com true [] false ""`},
		{"NUL", strings.Replace(plainCommit, "Hello", "He\x00llo", 1), `ann@example.com 2023-11-14T22:13:20Z bob@example.com true [] false "He�llo\n"`},
		{"angle brackets in the name", strings.Replace(plainCommit, "Ann <ann", "A>n <nn <ann", 1), `nn <ann@example.com 2023-11-14T22:13:20Z bob@example.com true [] false "Hello\n"`},
		{"nothing at all", "", ` 0001-01-01T00:00:00Z  false [] false ""`},
	} {
		c, err := readCommit("x", []byte(tc.data))
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		got := fmt.Sprintf("%s %s %s %v %v %v %q", c.author.email, audit.FormatTime(c.author.at), c.committer.email, c.committer.ok, c.parents, c.signed, c.message)
		if got != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.name, got, tc.want)
		}
	}
	if _, err := readCommit("x", []byte(strings.Replace(plainCommit, "author", "author B <b@x> 1 +0000\nauthor", 1))); err == nil {
		t.Error("two authors were taken")
	}
}

func TestMailmap(t *testing.T) {
	m := parseMailmap("# comment\nProper Name <commit@x.example>\n<proper@x.example> <old@x.example>\n" +
		"Full Name <full@x.example> <Other@x.example>\nNick Ame <nick@x.example> Nicky <shared@x.example>\nbroken <\n<> <>\n")
	for _, tc := range []struct{ in, want person }{
		{person{"x", "commit@x.example"}, person{"Proper Name", "commit@x.example"}},
		{person{"x", "old@x.example"}, person{"x", "proper@x.example"}},
		{person{"x", "other@x.example"}, person{"Full Name", "full@x.example"}},
		{person{"NICKY", "shared@x.example"}, person{"Nick Ame", "nick@x.example"}},
		{person{"someone else", "shared@x.example"}, person{"someone else", "shared@x.example"}},
		{person{"x", "unknown@x.example"}, person{"x", "unknown@x.example"}},
	} {
		if got := m.resolve(tc.in); got != tc.want {
			t.Errorf("%v: got %v; want %v", tc.in, got, tc.want)
		}
	}
}

func TestPeople(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"Ann <a@x.example>", "[{Ann a@x.example}]"},
		{"Ann <A@x.example>, Bob <b@x.example> and Cy <c@x.example>", "[{Ann a@x.example} {Bob b@x.example} {Cy c@x.example}]"},
		{`"Doe, John" <j@x.example>`, "[{Doe, John j@x.example}]"},
		{"Doe, John <j@x.example>", "[{John j@x.example}]"},
		{"a@x.example; b@x.example", "[{ a@x.example} { b@x.example}]"},
		{"@alice, @bob", "[{@alice } {@bob }]"},
		{"Alice (for the docs)", "[{Alice }]"},
		{"none", "[]"}, {"N/A", "[]"}, {"-", "[]"}, {"https://review.example/1", "[]"},
		{"Ann <a@x.example> # v2", "[{Ann a@x.example}]"},
	} {
		got := people(tc.in)
		if s := fmt.Sprint(got); s != tc.want {
			t.Errorf("%q: got %s; want %s", tc.in, s, tc.want)
		}
	}
}

func TestRemoteHost(t *testing.T) {
	for in, want := range map[string]string{
		"https://token:secret@GitHub.com/a/b.git": "github.com", "git@gitlab.example:a/b.git": "gitlab.example",
		"/srv/git/a.git": "", "../b": "", "ssh://git@host.example:2222/a": "host.example", "": "",
	} {
		if got := remoteHost(in); got != want {
			t.Errorf("%q: got %q; want %q", in, got, want)
		}
	}
}

func FuzzCommit(f *testing.F) {
	f.Add([]byte(plainCommit))
	f.Add([]byte("author <> x\n encoding latin-1\n\n\xff"))
	f.Add([]byte("encoding ISO-8859-1\nauthor \xe4 <\xe4> 1 +0000\n\nR=\xfc"))
	f.Fuzz(func(t *testing.T, data []byte) {
		hash := objectID(strings.Repeat("0", 40), data)
		c, err := parseCommit(hash, data)
		if err != nil {
			return
		}
		for _, s := range []string{c.message, c.author.name, c.author.email, c.committer.name} {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				t.Errorf("%q is not clean text", s)
			}
		}
		if _, err := parseCommit(hash, append(data, 'x')); err == nil {
			t.Error("another object was taken under the same name")
		}
	})
}

func FuzzMailmap(f *testing.F) {
	f.Add("Proper <p@x> Old <o@x>\n", "Old", "o@x")
	f.Add("<<>>\n# <a> <b>\n< > < >", "", "")
	f.Fuzz(func(t *testing.T, file, name, email string) {
		m := parseMailmap(file)
		p := person{cleanName(name), cleanEmail(email)}
		if got := m.resolve(p); p.email != "" && got.email == "" {
			t.Errorf("%v lost its address", p)
		}
	})
}

func FuzzMessage(f *testing.F) {
	f.Add("Fix (#12)\n\nReviewed-by: A <a@x>, B <b@x>\nTested-by: c\nr=d\nSee merge request a/b!9\n")
	f.Add("Auto merge of #1 - x, r=a,b\n* Reviewers : \"x, y\" <z@z>; q\nFixes: #1, #2 and a/b#3")
	f.Fuzz(func(t *testing.T, msg string) {
		msg = text([]byte(msg), "")
		s := readMessage(msg, reviewTrailers)
		for _, p := range append(s.reviewers, s.testers...) {
			if p.name == "" && p.email == "" {
				t.Errorf("%q names nobody", msg)
			}
		}
		if s.number < 0 || s.number >= 1<<53 || strings.Contains(s.title, "\n") {
			t.Errorf("number %d, title %q", s.number, s.title)
		}
	})
}

func FuzzPage(f *testing.F) {
	hash := objectID(strings.Repeat("0", 40), []byte(plainCommit))
	head := commitsHeader{Format: pageFormat, Branch: "main", Mailmap: 3, Changes: []changeHead{{Commit: hash}}}
	body, err := head.encode([]byte("#x\n"), fmt.Appendf(nil, "%s commit %d\n%s\n", hash, len(plainCommit), plainCommit))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte("{}\n"))
	_, config, err := Driver.Open("app", nil, sourcetest.Connection{}.Env)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		items, _ := Driver.Normalize(config, audit.Page{Kind: kindCommits, Body: body})
		for _, it := range items {
			if err := sourcetest.Valid(it); err != nil {
				t.Error(err)
			}
		}
	})
}
