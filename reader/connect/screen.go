package connect

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"tieout/audit"
	"tieout/definition"
	"tieout/source"
)

// What runs on the server, opens its own files or leads into its own networks is
// for whoever runs it to write into the workspace's files: who administers the
// screens need not be that person.
var (
	runsPrograms = []string{"restic", "borg", "pgbackrest"} // kinds
	notOnScreen  = []string{"allow", "program", "config", "environment"}
	ofFiles      = []string{"path", "folder", "files", "journal", "keyFile", "ca", "roots", "restores", "people", "trainings", "backgroundChecks", "streams"}
)

// ByHand says why a kind cannot be connected on a screen; "" where it can.
func ByHand(d *source.Driver) string {
	if slices.Contains(runsPrograms, d.Name) {
		return "It runs a program on the server, so whoever runs the server connects it: 'tieout connector add " + d.Name + "'."
	}
	return ""
}

// OnScreen are the settings of a kind that a screen asks for.
func OnScreen(d *source.Driver) []source.Setting {
	return slices.DeleteFunc(slices.Clone(d.Settings), func(s source.Setting) bool { return slices.Contains(notOnScreen, s.Name) })
}

// CheckScreen refuses what only whoever runs the server may write: settings that
// are not asked for, files outside of the workspace or in its own folder, and
// references to secrets that something else here uses. own is where this
// connection's own secrets lie.
func CheckScreen(d *source.Driver, w *definition.Workspace, name string, values map[string]Value) error {
	if why := ByHand(d); why != "" {
		return fmt.Errorf("%w: %s", audit.ErrForbidden, why)
	}
	used := references(w, name)
	for _, s := range d.Settings {
		v, ok := values[s.Name]
		if !ok {
			continue
		}
		if slices.Contains(notOnScreen, s.Name) {
			return fmt.Errorf("%w: %s: whoever runs the server writes it into sources/%s.yaml", audit.ErrForbidden, s.Name, name)
		}
		for _, text := range texts(v.Means) {
			if err := checkReference(s.Name, text, name, used); err != nil {
				return err
			}
		}
		for _, text := range files(s.Name, v.Means) {
			if outside(text) || text == "." && s.Name == "files" {
				return fmt.Errorf("%w: %s: %q is not a file of the workspace; on this screen only files below its folder can be read", audit.ErrInvalid, s.Name, text)
			}
		}
	}
	return nil
}

var reference = regexp.MustCompile(`^(?:env|file|keyring|kms):.`)

// SecretsDir is where secrets lie that were typed on a screen, in the workspace.
const SecretsDir = ".tieout/secrets"

// EnvPrefix begins the names of the server's variables that a connection made on
// a screen may have as a secret: any other could be sent to whatever address the
// same form names.
const EnvPrefix = "TIEOUT_SOURCE_"

// SecretFile is where a connection keeps the secret of a setting.
func SecretFile(name, setting string) string { return path.Join(SecretsDir, name+"."+setting) }

func checkReference(setting, text, name string, used map[string]string) error {
	if !reference.MatchString(text) {
		return nil
	}
	if by := used[text]; by != "" {
		return fmt.Errorf("%w: %s: %s is a secret of %s; give this connection one of its own", audit.ErrInvalid, setting, text, by)
	}
	variable, ok := strings.CutPrefix(text, "env:")
	if ok && (!strings.HasPrefix(variable, EnvPrefix) || variable == EnvPrefix) {
		return fmt.Errorf("%w: %s: on this screen a secret of the server is a variable whose name begins with %s, such as env:%sTOKEN. Whoever runs the server can name any other in sources/%s.yaml",
			audit.ErrInvalid, setting, EnvPrefix, EnvPrefix, name)
	}
	file, ok := strings.CutPrefix(text, "file:")
	if ok && (path.Clean(file) != file || path.Dir(file) != SecretsDir) {
		return fmt.Errorf("%w: %s: a secret of a connection made here is a file directly in %s", audit.ErrInvalid, setting, SecretsDir)
	}
	if ok && !strings.HasPrefix(path.Base(file), name+".") {
		return fmt.Errorf("%w: %s: a secret of this connection is a file called %s/%s.NAME", audit.ErrInvalid, setting, SecretsDir, name)
	}
	return nil
}

var anyReference = regexp.MustCompile(`(?:env|file|keyring|kms):[^\s"',}\]]+`)

// references are the references to secrets in the workspace's files, but for
// one connection's, and which file has them.
func references(w *definition.Workspace, but string) map[string]string {
	out := map[string]string{}
	for _, f := range w.Files {
		if f.Path == "sources/"+but+".yaml" {
			continue
		}
		for _, ref := range anyReference.FindAllString(string(f.Bytes), -1) {
			out[ref] = f.Path
		}
	}
	out[w.Config.Ledger.Key] = "the log"
	return out
}

// outside reports whether a path or pattern leads out of the workspace, or into
// the folder of its own state.
func outside(text string) bool {
	text = strings.ReplaceAll(text, `\`, "/")
	if strings.HasPrefix(text, "/") || strings.HasPrefix(text, "~") || len(text) > 1 && text[1] == ':' {
		return true
	}
	parts := strings.Split(text, "/")
	return slices.Contains(parts, "..") || strings.HasPrefix(path.Clean(text), ".tieout") || strings.ContainsAny(parts[0], "*?[") && len(parts) > 1
}

// files are the paths and patterns within a setting.
func files(setting string, v any) (out []string) {
	if !slices.Contains(ofFiles, setting) {
		return nil
	}
	if setting != "streams" {
		return texts(v)
	}
	list, _ := v.([]any)
	for _, x := range list {
		if m, ok := x.(map[string]any); ok {
			out = append(append(out, texts(m["files"])...), texts(m["schema"])...)
		}
	}
	return out
}

// texts are all texts within a value.
func texts(v any) (out []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, x := range v {
			out = append(out, texts(x)...)
		}
	case map[string]any:
		for k, x := range v {
			out = append(append(out, k), texts(x)...)
		}
	case map[any]any:
		for k, x := range v {
			out = append(append(out, texts(k)...), texts(x)...)
		}
	}
	return out
}
