package period

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"tieout/audit"
	"tieout/internal/canonical"
	"tieout/procedure"
)

// columns are the values that results of a test hold, by name.
func (p *Program) columns(ctx context.Context, run *Run, hash string) (names []string, err error) {
	r, err := p.resultsOf(ctx, run, hash)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	seen := map[string]bool{}
	lines := audit.NewResultReader(r)
	for {
		line, err := lines.Line()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = audit.ValuePaths(line, func(path []byte) {
				if !seen[string(path)] {
					seen[string(path)] = true
				}
			})
		}
		if err != nil {
			return nil, err
		}
	}
	return slices.Sorted(maps.Keys(seen)), nil
}

// writeItems writes the items of a procedure's results.
func (p *Program) writeItems(ctx context.Context, run *Run, hash string, out *populationWriter) error {
	r, err := p.resultsOf(ctx, run, hash)
	if err != nil {
		return err
	}
	defer r.Close()
	var one audit.Result
	for lines := audit.NewResultReader(r); ; {
		err := lines.Next(&one)
		if errors.Is(err, io.EOF) {
			return out.flush()
		}
		if err == nil {
			err = out.add(&one)
		}
		if err != nil {
			return err
		}
	}
}

// An itemOutcome is what a procedure, or one attribute of it, found about an item.
type itemOutcome struct {
	name    string // as in engagement.Item.Results
	outcome audit.Outcome
}

// A populationWriter joins the results of one item, which follow one another,
// and writes a line for each item: engagement.Item in canonical form, written
// without a general encoder.
type populationWriter struct {
	w         *bufio.Writer
	procedure string
	columns   []string
	names     map[string]string // of attributes, as results name them

	begun    bool
	id       string
	label    string
	at       time.Time
	values   []string // by columns
	outcomes []itemOutcome
	worst    audit.Outcome
	records  []int64

	line  []byte
	seen  map[[16]byte]struct{}
	count int // items written
	left  int // items left out
	in    int // results inside the control's population
	out   int // and outside
	sum   hash.Hash
}

// counted holds what was read to what the run counted. Of what is looked at all
// the time it counted items, else what happened: an item can have several results
// in both.
func (o *populationWriter) counted(t *audit.Tested) error {
	inside := o.in
	if t.Form == audit.Continuous {
		inside = o.count
	}
	if inside != t.Items || o.outside(t.Form) != t.Counts[audit.NotApplicable] {
		return fmt.Errorf("%w: results of %s: %d inside the control's population and %d outside; the run counted %d and %d", audit.ErrAltered, t.Procedure, inside, o.outside(t.Form), t.Items, t.Counts[audit.NotApplicable])
	}
	return nil
}

// outside is how many the run has to have counted as outside.
func (o *populationWriter) outside(form audit.Form) int {
	if form == audit.Continuous {
		return o.left
	}
	return o.out
}

func newPopulationWriter(w io.Writer, procedure string, columns []string) *populationWriter {
	sum := sha256.New()
	return &populationWriter{w: bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16), procedure: procedure, columns: columns, values: make([]string, len(columns)),
		names: map[string]string{}, seen: map[[16]byte]struct{}{}, sum: sum}
}

// add takes the next result; it keeps nothing of r's lists.
func (o *populationWriter) add(r *audit.Result) error {
	switch r.Outcome {
	case audit.NoOccurrence: // of the whole population, and no item
		return nil
	case audit.NotApplicable:
		o.out++
	default:
		o.in++
	}
	if o.begun && o.id != r.Item {
		if err := o.write(); err != nil {
			return err
		}
	}
	if !o.begun {
		o.begun, o.id, o.label, o.at = true, r.Item, r.Label, r.Span.From.UTC()
		o.outcomes, o.records, o.worst = o.outcomes[:0], o.records[:0], r.Outcome
		clear(o.values)
	}
	o.join(r)
	return nil
}

// join adds one result to its item: the worst outcome stands, and its values.
func (o *populationWriter) join(r *audit.Result) {
	if len(o.outcomes) == 0 || procedure.Worse(o.worst, r.Outcome) != o.worst {
		o.worst = r.Outcome
		o.set(o.procedure, r.Outcome)
		for _, a := range r.Attributes {
			o.set(o.name(a.Name), a.Outcome)
		}
		for _, v := range r.Values {
			if i := slices.Index(o.columns, v.Path); i >= 0 {
				o.values[i] = v.Value
			}
		}
	}
	o.records = append(o.records, r.Records...)
}

func (o *populationWriter) set(name string, outcome audit.Outcome) {
	for i := range o.outcomes {
		if o.outcomes[i].name == name {
			o.outcomes[i].outcome = outcome
			return
		}
	}
	o.outcomes = append(o.outcomes, itemOutcome{name, outcome})
}

// name is how results of an item name an attribute.
func (o *populationWriter) name(attribute string) string {
	name, ok := o.names[attribute]
	if !ok {
		name = o.procedure + "/" + attribute
		o.names[attribute] = name
	}
	return name
}

func (o *populationWriter) write() error {
	o.begun = false
	if o.worst == audit.NotApplicable {
		o.left++
		return nil
	}
	sum := sha256.Sum256([]byte(o.id))
	key := [16]byte(sum[:])
	if _, twice := o.seen[key]; twice {
		return fmt.Errorf("%w: results of %s come twice in the run", audit.ErrAltered, o.id)
	}
	if y := o.at.Year(); y < 0 || y > 9999 {
		return fmt.Errorf("%w: results of %s: year %d", audit.ErrAltered, o.id, y)
	}
	o.seen[key] = struct{}{}
	o.count++
	o.line = append(o.appendItem(o.line[:0]), '\n')
	_, err := o.w.Write(o.line)
	return err
}

// appendItem appends the item's line: what canonical.Marshal makes of its
// engagement.Item (RFC 8785).
func (o *populationWriter) appendItem(b []byte) []byte {
	b = append(b, '{')
	if !o.at.IsZero() {
		b = append(o.at.AppendFormat(append(b, `"at":"`...), time.RFC3339Nano), `",`...)
	}
	b = canonical.AppendString(append(b, `"id":`...), o.id)
	if o.label != "" {
		b = canonical.AppendString(append(b, `,"label":`...), o.label)
	}
	slices.Sort(o.records)
	if o.records = slices.Compact(o.records); len(o.records) > 0 {
		b = append(b, `,"records":[`...)
		for i, n := range o.records {
			if i > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, n, 10)
		}
		b = append(b, ']')
	}
	slices.SortFunc(o.outcomes, func(x, y itemOutcome) int { return canonical.Order(x.name, y.name) })
	for i, x := range o.outcomes {
		if i == 0 {
			b = append(b, `,"results":{`...)
		} else {
			b = append(b, ',')
		}
		b = append(canonical.AppendString(b, x.name), ':')
		b = canonical.AppendString(b, x.outcome.String())
	}
	if len(o.outcomes) > 0 {
		b = append(b, '}')
	}
	for i, v := range o.values {
		if i == 0 {
			b = append(b, `,"values":[`...)
		} else {
			b = append(b, ',')
		}
		b = canonical.AppendString(b, v)
	}
	if len(o.values) > 0 {
		b = append(b, ']')
	}
	return append(b, '}')
}

func (o *populationWriter) flush() error {
	if o.begun {
		if err := o.write(); err != nil {
			return err
		}
	}
	return o.w.Flush()
}
