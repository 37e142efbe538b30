package definition

import (
	"regexp"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// A reference names a secret without holding it.
var reference = regexp.MustCompile(`^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|keyring:.+|kms:.+)$`)

const howToRefer = "write a reference: env:NAME, file:PATH or keyring:NAME"

func wantReference(d *doc, value string, path ...any) {
	if value != "" && !reference.MatchString(value) {
		d.bad(path, "%v holds a secret; %s", path[len(path)-1], howToRefer)
	}
}

// secretKey are names under which nothing but a reference may stand. Public
// keys and names of columns have other names.
var secretKey = regexp.MustCompile(`(?i)(token|password|passphrase|secret|credential|apikey|api_key|privatekey|private_key|accesskey|access_key)$`)

// keyName may hold a name or a secret; what it looks like decides.
var keyName = regexp.MustCompile(`(?i)key$`)

// knownSecrets are the shapes that services give their secrets, wherever they stand.
var knownSecrets = regexp.MustCompile(`^(gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}|AIza[\w-]{30,}|sk-[\w-]{20,}|AGE-SECRET-KEY-\w+|PRIVATE\+KEY\+.*|-----BEGIN [A-Z ]*PRIVATE KEY.*)`)

// noSecrets notes every literal secret below n. Names of columns (under
// fields: and links: of a file mapping) are no secrets unless they look like one.
func noSecrets(d *doc, n *yaml.Node, columns bool) {
	switch n.Kind {
	case yaml.SequenceNode:
		for _, c := range n.Content {
			noSecrets(d, c, columns)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, value := n.Content[i].Value, n.Content[i+1]
			if value.Kind == yaml.ScalarNode && isSecret(key, value.Value, columns) {
				*d.problems = append(*d.problems, Problem{d.name, value.Line, value.Column, key + " holds a secret; " + howToRefer})
			}
			noSecrets(d, value, columns || key == "fields" || key == "links")
		}
	case yaml.ScalarNode:
		if knownSecrets.MatchString(n.Value) {
			*d.problems = append(*d.problems, Problem{d.name, n.Line, n.Column, "this is a secret; " + howToRefer})
		}
	}
}

func isSecret(key, value string, columns bool) bool {
	switch {
	case value == "" || reference.MatchString(value) || knownSecrets.MatchString(value):
		return false // the scalar itself is looked at apart
	case secretKey.MatchString(key):
		return !columns || looksRandom(value)
	case keyName.MatchString(key):
		return looksRandom(value)
	}
	return false
}

// looksRandom: at least 16 characters without a space, with letters of both
// cases or letters and digits mixed, and no separator a name or path would have.
func looksRandom(s string) bool {
	if len(s) < 16 || strings.ContainsAny(s, " ./:{}") {
		return false
	}
	var upper, lower, digit bool
	for _, r := range s {
		upper, lower, digit = upper || unicode.IsUpper(r), lower || unicode.IsLower(r), digit || unicode.IsDigit(r)
	}
	return digit && (upper || lower)
}
