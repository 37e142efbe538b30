package web

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/examination"
	"tieout/report"
)

// firmWordingUsed is the wording a report is made with, for its page.
type firmWordingUsed struct {
	Name, Version, Digest string
	Example               bool
	Criteria              []string
	Href                  string // where it is loaded; "" for who may not
}

func (q *request) firmWordingUsed(id string) (out firmWordingUsed, err error) {
	w, err := q.s.firm.Wording(q.Context(), id)
	if err != nil {
		return out, err
	}
	out = firmWordingUsed{Name: w.Name, Version: w.Version, Example: w.Example}
	if out.Digest, err = w.Digest(); err != nil {
		return out, err
	}
	for _, c := range w.Imports() {
		out.Criteria = append(out.Criteria, c.Name+", "+c.Version+": "+report.Plural(len(c.Texts), "text", "texts"))
	}
	if q.opens("/wording") {
		out.Href = "/wording"
	}
	return out, nil
}

// A firmText is one loaded text, as the page of wording lists it.
type firmText struct {
	N                        int
	Kind, Name, Version, For string
	Digest, Who, When, Size  string
	Example, Used            bool
	Entry, File              link
}

func (q *request) firmWording() error {
	data := struct {
		*page
		Rows []firmText
		Kind string
	}{page: &q.page, Kind: q.PostForm.Get("kind")}
	err := q.files.Read(q.Context(), func(s *fieldwork.State) error {
		for i := len(s.Texts) - 1; i >= 0; i-- {
			data.Rows = append(data.Rows, q.firmTextOf(s, i))
		}
		return nil
	})
	if err != nil {
		return err
	}
	q.Say = sayWording(len(data.Rows))
	q.Title, q.Heading, q.Wide = "Wording", "Wording of reports", true
	q.Code = []string{"tieout report wording FILE.yaml", "tieout report criteria FILE.yaml"}
	return q.render("firm-report-wording.html", &data)
}

func (q *request) firmTextOf(s *fieldwork.State, i int) firmText {
	x := s.Texts[i]
	ref := audit.EvidenceRef(x.Record)
	out := firmText{N: i + 1, Kind: "Wording", Name: x.Name, Version: x.Version, Digest: x.Digest, Who: q.name(x.By), When: report.Moment(x.At, q.zone()), Size: firmBytes(x.Size), Example: x.Example,
		Entry: link{ref, q.at("evidence", ref)}, File: link{x.File, fmt.Sprintf("/wording/%d", i+1)}}
	if x.Kind == fieldwork.TextCriteria {
		out.Kind, out.For, out.Used = "Criteria", report.Plural(x.Texts, "text", "texts")+" of the trust services criteria", s.Criteria(x.Set) == x
		if x.Set != "" {
			out.For = report.Plural(x.Texts, "text", "texts") + " of the set " + x.Set
		}
		return out
	}
	var of []string
	for _, t := range engagement.Types {
		if s.Wording(t) == x {
			of, out.Used = append(of, t.String()), true
		}
	}
	out.For = "Newer wording took its place"
	if out.Used {
		out.For = report.List(of)
	}
	return out
}

// sayWording says whose words reports are made with.
func sayWording(n int) string {
	if n == 0 {
		return "No wording of the firm's own is loaded: reports are made with the shipped example and say so."
	}
	return report.Capital(report.Plural(n, "text is", "texts are")) + " loaded; each report names those it was made with."
}

// firmWordingFile is a loaded text as it was loaded, or the shipped example to
// begin from.
func (q *request) firmWordingFile() error {
	if q.PathValue("n") == "example" {
		of := engagement.Type(cmp.Or(q.URL.Query().Get("type"), string(engagement.SOC2TypeII)))
		if !slices.Contains(engagement.Types, of) {
			return fmt.Errorf("%w: the example of a report of type %.20q", audit.ErrNotFound, of)
		}
		return q.firmSendFile(examination.File{Name: "wording-example-" + string(of) + ".yaml", Media: "application/yaml", Data: examination.ExampleFile(of)})
	}
	n, err := strconv.Atoi(q.PathValue("n"))
	var x *fieldwork.Loaded
	rerr := q.files.Read(q.Context(), func(s *fieldwork.State) error {
		if err != nil || n < 1 || n > len(s.Texts) {
			return fmt.Errorf("%w: text %.10q", audit.ErrNotFound, q.PathValue("n"))
		}
		x = s.Texts[n-1]
		return nil
	})
	if rerr != nil {
		return rerr
	}
	return q.gridSend(x.Digest, x.File)
}

// firmLoadWording loads wording or criteria from a file.
func (q *request) firmLoadWording() error {
	up, err := q.upload("file")
	if err != nil {
		return err
	}
	words := ""
	switch kind := q.field("kind"); {
	case len(up.Data) == 0:
		err = fmt.Errorf("%w: file: choose the YAML file", audit.ErrInvalid)
	case kind == fieldwork.TextWording:
		var w examination.Wording
		w, err = q.s.firm.LoadWording(q.Context(), q.who, up.Name, up.Data)
		words = "Wording " + w.Name + ", version " + w.Version + ", is in force for reports made from now on."
	case kind == fieldwork.TextCriteria:
		var c examination.Criteria
		c, err = q.s.firm.LoadCriteria(q.Context(), q.who, up.Name, up.Data)
		words = report.Capital(report.Plural(len(c.Texts), "text", "texts")) + " of " + c.Name + ", " + c.Version + ", are printed in reports made from now on."
	default:
		err = fmt.Errorf("%w: kind: say whether the file holds wording or criteria", audit.ErrInvalid)
	}
	if err == nil {
		return q.done("/wording", words)
	}
	if err := q.problem(err); err != nil {
		return err
	}
	return q.firmWording()
}
