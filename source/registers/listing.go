package registers

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// A listing is what one commit, or the folder itself, holds of some folders.
type listing struct {
	files map[string]object // by path within the folder: vendors/aws.yaml
	other []string          // files of another ending, which are not read
}

// An object is one file.
type object struct {
	blob   string // git's name of its bytes
	unread string // why it cannot be read
}

// put takes one entry of a folder.
func (l *listing) put(dir folder, name, blob string, mode fs.FileMode) {
	at := path.Join(dir.name, name)
	ext := strings.ToLower(path.Ext(name))
	why := ""
	switch {
	case strings.HasPrefix(name, ".") || strings.EqualFold(name, "README.md"):
		return
	case mode.IsDir():
		why = fmt.Sprintf("it is a folder; files are read from %s itself", dir.name)
	case !mode.IsRegular():
		why = "it is a link or a repository of its own, not a file"
	case path.Ext(name) == dir.ext:
	case ext == ".yaml" || ext == ".yml" || ext == ".md":
		why = fmt.Sprintf("files of %s are called NAME%s; rename it", dir.name, dir.ext)
	default:
		l.other = append(l.other, at)
		return
	}
	if strings.ContainsFunc(at, func(r rune) bool { return r < 0x20 || r == 0x7f || r == '\uFFFD' }) {
		why = "its name holds a character that is not text"
	}
	at = strings.ToValidUTF8(at, "\uFFFD")
	l.files[at] = object{blob, why}
}

func (l *listing) paths() []string {
	out := make([]string, 0, len(l.files))
	for p := range l.files {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// committed lists folders at a commit.
func committed(o *objects, commit, prefix string, dirs []folder) (listing, error) {
	l := listing{files: map[string]object{}}
	for _, d := range dirs {
		kind, hash, b, err := o.get(commit + ":" + prefix + d.name)
		if err != nil {
			return l, err
		}
		switch {
		case kind == "":
		case kind != "tree" || b == nil:
			l.files[d.name] = object{hash, "it is no folder whose files can be listed"}
		default:
			if err := l.tree(d, b, len(hash)/2); err != nil {
				return l, gitError{fmt.Errorf("%s at commit %s: %w", d.name, commit, err)}
			}
		}
	}
	return l, nil
}

// tree reads a tree object: mode, space, name, NUL, hash, and so on.
func (l *listing) tree(dir folder, b []byte, hashSize int) error {
	for len(b) > 0 {
		head, rest, ok := bytes.Cut(b, []byte{0})
		mode, name, spaced := strings.Cut(string(head), " ")
		if !ok || !spaced || len(rest) < hashSize {
			return errors.New("its tree cannot be read")
		}
		l.put(dir, name, hex.EncodeToString(rest[:hashSize]), gitMode(mode))
		b = rest[hashSize:]
	}
	return nil
}

func gitMode(mode string) fs.FileMode {
	switch {
	case strings.HasPrefix(mode, "100"):
		return 0
	case mode == "40000":
		return fs.ModeDir
	}
	return fs.ModeIrregular
}

// lying lists folders as they lie on disk.
func lying(root string, dirs []folder) (listing, error) {
	l := listing{files: map[string]object{}}
	for _, d := range dirs {
		entries, err := os.ReadDir(filepath.Join(root, d.name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return l, fmt.Errorf("%s: %w", d.name, errors.Unwrap(err))
		}
		for _, e := range entries {
			l.put(d, e.Name(), "", e.Type())
		}
	}
	return l, nil
}

// fromDisk returns a file as it lies on disk.
func fromDisk(root, name string, o object) file {
	f := file{Path: name, Unread: o.unread}
	if f.Unread != "" {
		return f
	}
	b, err := readFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		f.Unread = err.Error()
		return f
	}
	f.set(b)
	return f
}

func readFile(name string) ([]byte, error) {
	r, err := os.Open(name)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer r.Close()
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	return b, err
}

// fromGit returns a file as git has it.
func fromGit(o *objects, name string, obj object) (file, error) {
	f := file{Path: name, Blob: obj.blob, Unread: obj.unread}
	if f.Unread != "" {
		return f, nil
	}
	kind, _, b, err := o.get(obj.blob)
	switch {
	case err != nil:
		return f, err
	case kind == "":
		f.Unread = "the repository does not hold its bytes: fetch it in full"
	case kind != "blob" || b == nil:
		f.Unread = fmt.Sprintf("it is no file of at most %d bytes", maxFile)
	default:
		f.set(b)
	}
	return f, nil
}

// uncommitted names files whose bytes on disk are not those of the listing.
func uncommitted(root string, dirs []folder, at listing) []string {
	disk, err := lying(root, dirs)
	if err != nil {
		return []string{"what lies in the folder could not be compared with the commit: " + err.Error()}
	}
	var out []string
	for _, name := range disk.paths() {
		obj, there := at.files[name]
		if there && (obj.unread != "" || sameBytes(root, name, obj.blob)) {
			continue
		}
		out = append(out, name)
	}
	for _, name := range at.paths() {
		if _, there := disk.files[name]; !there {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// sameBytes compares a file with a blob, ends of lines apart.
func sameBytes(root, name, blob string) bool {
	b, err := readFile(filepath.Join(root, filepath.FromSlash(name)))
	return err == nil && (blobName(blob, b) == blob || blobName(blob, bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))) == blob)
}
