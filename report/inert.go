package report

import "unicode/utf8"

// Inert keeps a program that opens comma-separated text from running a cell as
// a formula: a cell that begins like one begins with an apostrophe instead.
// (OWASP, CSV Injection)
func Inert(s string) string {
	r, _ := utf8.DecodeRuneInString(s)
	switch r {
	case '=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠':
		return "'" + s
	}
	return s
}
