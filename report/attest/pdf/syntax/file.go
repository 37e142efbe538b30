package syntax

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"tieout/audit"
)

// A File is a PDF's objects by number, and its trailer.
type File struct {
	Objects map[int]any
	Trailer Dict

	decoded int64 // bytes that Data has given out
}

// maxTotal is how many bytes all streams of a file may decode to.
const maxTotal = 1 << 30

// Data returns the decoded bytes of one of the file's streams. All that is read
// of a file together is bounded: a small file cannot make much of it.
func (f *File) Data(s *Stream) ([]byte, error) {
	data, err := s.Data()
	if f.decoded += int64(len(data)); err == nil && f.decoded > maxTotal {
		err = fmt.Errorf("%w: what the PDF holds decodes to more than %d bytes", audit.ErrInvalid, maxTotal)
	}
	return data, err
}

// Bounds of a file that is read.
const (
	MaxBytes   = 256 << 20
	maxObjects = 1 << 20
)

const (
	header = "%PDF-1.7\n%\xE2\xE3\xCF\xD3\n"
	footer = "%%EOF"
)

// Add puts v under the next free number.
func (f *File) Add(v any) Ref {
	n := f.Size()
	f.Objects[n] = v
	return Ref(n)
}

// Size is one more than the highest number of an object.
func (f *File) Size() int {
	n := 0
	for i := range f.Objects {
		n = max(n, i)
	}
	return n + 1
}

// Bytes writes the file: objects in order of their numbers, one table. The same
// file is always the same bytes.
func (f *File) Bytes() []byte {
	size := f.Size()
	b := make([]byte, 0, 1<<20)
	b = append(b, header...)
	offsets := make([]int, size)
	for n := 1; n < size; n++ {
		v, ok := f.Objects[n]
		if !ok {
			continue
		}
		offsets[n] = len(b)
		b = fmt.Appendf(b, "%d 0 obj\n", n)
		b = append(Append(b, v), "\nendobj\n"...)
	}
	start := len(b)
	b = fmt.Appendf(b, "xref\n0 %d\n0000000000 65535 f \n", size)
	for n := 1; n < size; n++ {
		if offsets[n] == 0 {
			b = append(b, "0000000000 65535 f \n"...)
			continue
		}
		b = fmt.Appendf(b, "%010d 00000 n \n", offsets[n])
	}
	trailer := Dict{}
	for k, v := range f.Trailer {
		trailer[k] = v
	}
	trailer["Size"] = Number(strconv.Itoa(size))
	b = append(Append(append(b, "trailer\n"...), trailer), '\n')
	return fmt.Appendf(b, "startxref\n%d\n%s\n", start, footer)
}

// Parse reads a file with one table and one trailer.
func Parse(data []byte) (*File, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%w: the PDF has %d bytes; the most read is %d", audit.ErrInvalid, len(data), MaxBytes)
	}
	if !bytes.HasPrefix(data, []byte("%PDF-1.")) {
		return nil, fmt.Errorf("%w: this is no PDF", audit.ErrInvalid)
	}
	if n := bytes.Count(data, []byte("startxref")); n != 1 {
		return nil, fmt.Errorf("%w: the PDF has %d ends: something was appended to it after it was made", audit.ErrAltered, n)
	}
	tail := data[bytes.LastIndex(data, []byte("startxref"))+len("startxref"):]
	fields := strings.Fields(string(tail[:min(len(tail), 100)]))
	if len(fields) != 2 || fields[1] != footer {
		return nil, fmt.Errorf("%w: the PDF does not end as one does: something was appended to it", audit.ErrAltered)
	}
	start, err := strconv.Atoi(fields[0])
	if err != nil || start < 0 || start >= len(data) {
		return nil, fmt.Errorf("%w: the PDF's table is not where its end says", audit.ErrInvalid)
	}
	p := parser{data: data, file: &File{Objects: map[int]any{}}}
	if err := p.table(start); err != nil {
		return nil, err
	}
	return p.file, p.objects()
}

type parser struct {
	data    []byte
	file    *File
	offsets map[int]int
}

func (p *parser) table(start int) error {
	l := &Lexer{data: p.data, pos: start}
	if !l.take("xref") {
		return l.errorf("no cross-reference table: it is of a kind this program never writes")
	}
	p.offsets = map[int]int{}
	for {
		if l.End() {
			return l.errorf("no trailer")
		}
		if l.take("trailer") {
			break
		}
		if err := p.section(l); err != nil {
			return err
		}
	}
	v, err := l.Value()
	if err != nil {
		return err
	}
	trailer, ok := v.(Dict)
	if !ok || trailer["Prev"] != nil || trailer["XRefStm"] != nil {
		return fmt.Errorf("%w: the PDF has more than one table: something was appended to it after it was made", audit.ErrAltered)
	}
	p.file.Trailer = trailer
	return nil
}

func (p *parser) section(l *Lexer) error {
	first, ok := l.digits()
	if !ok || !l.take(" ") {
		return l.errorf("no section of a table")
	}
	number, ok := l.digits()
	from, err1 := strconv.Atoi(first)
	count, err2 := strconv.Atoi(number)
	if !ok || err1 != nil || err2 != nil || from+count > maxObjects {
		return l.errorf("no section of a table")
	}
	for i := range count {
		l.space()
		if l.pos+18 > len(l.data) {
			return l.errorf("the table ends too early")
		}
		entry := string(l.data[l.pos : l.pos+18])
		l.pos += 18
		offset, err := strconv.Atoi(entry[:10])
		if err != nil {
			return l.errorf("no entry of a table")
		}
		if entry[17] == 'n' {
			p.offsets[from+i] = offset
		}
	}
	return nil
}

func (p *parser) objects() error {
	for n, at := range p.offsets {
		if err := p.object(n, at); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) object(n, at int) error {
	l := &Lexer{data: p.data, pos: at}
	if at >= len(p.data) || !l.take(strconv.Itoa(n)+" 0 obj") {
		return l.errorf("object %d is not where the table says", n)
	}
	v, err := l.Value()
	if err != nil {
		return err
	}
	l.space()
	if dict, ok := v.(Dict); ok && l.take("stream") {
		if v, err = p.stream(l, dict); err != nil {
			return err
		}
		l.space()
	}
	if !l.take("endobj") {
		return l.errorf("object %d does not end", n)
	}
	p.file.Objects[n] = v
	return nil
}

func (p *parser) stream(l *Lexer, dict Dict) (*Stream, error) {
	if !l.take("\r\n") && !l.take("\n") {
		return nil, l.errorf("no stream")
	}
	length, err := p.length(dict["Length"])
	if err != nil || length < 0 || l.pos+length > len(l.data) {
		return nil, l.errorf("a stream's length")
	}
	raw := l.data[l.pos : l.pos+length]
	l.pos += length
	if l.space(); !l.take("endstream") {
		return nil, l.errorf("a stream is longer than it says")
	}
	delete(dict, "Length")
	return &Stream{Dict: dict, Raw: raw}, nil
}

func (p *parser) length(v any) (int, error) {
	if ref, ok := v.(Ref); ok {
		l := &Lexer{data: p.data, pos: p.offsets[int(ref)]}
		if !l.take(strconv.Itoa(int(ref)) + " 0 obj") {
			return 0, l.errorf("object %d is not where the table says", ref)
		}
		var err error
		if v, err = l.Value(); err != nil {
			return 0, err
		}
	}
	n, ok := v.(Number)
	if !ok {
		return 0, fmt.Errorf("%w: a stream without length", audit.ErrInvalid)
	}
	return strconv.Atoi(string(n))
}

// Resolve returns the object v refers to, or v.
func (f *File) Resolve(v any) any {
	for range 10 {
		ref, ok := v.(Ref)
		if !ok {
			return v
		}
		v = f.Objects[int(ref)]
	}
	return nil
}

// Dict returns the dictionary v is or refers to; nil where it is none.
func (f *File) Dict(v any) Dict {
	switch v := f.Resolve(v).(type) {
	case Dict:
		return v
	case *Stream:
		return v.Dict
	}
	return nil
}

// Array returns the array v is or refers to.
func (f *File) Array(v any) Array {
	a, _ := f.Resolve(v).(Array)
	return a
}
