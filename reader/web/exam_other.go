package web

import (
	"fmt"
	"html/template"
	"strings"

	"tieout/audit"
	"tieout/engagement"
	"tieout/examination"
	"tieout/policy"
	"tieout/report"
)

// An examOther is a section of other information as the page shows it.
type examOther struct {
	Title string
	Text  template.HTML
}

// An examOtherField is one section in the form.
type examOtherField struct {
	N           int
	Title, Text string
}

// examOther puts what management tells beside its description on the page, and its
// form: a section more than there are, for the next. A SOC 3 has no Section V.
func (q *request) examOther(d examination.Described, data *examTextPage) {
	data.OtherBase = d.OtherBase
	fields := []examOtherField{}
	for _, o := range d.Other {
		data.Other = append(data.Other, examOther{o.Title, policy.HTML(o.Text)})
		fields = append(fields, examOtherField{len(fields) + 1, o.Title, o.Text})
	}
	if typed := q.PostForm["title"]; len(typed) > 0 && len(typed) == len(q.PostForm["text"]) {
		fields = fields[:0]
		for i, title := range typed {
			fields = append(fields, examOtherField{i + 1, title, q.PostForm["text"][i]})
		}
	} else {
		fields = append(fields, examOtherField{N: len(fields) + 1})
	}
	if data.May && !d.Issued && len(d.Sections) > 0 && d.Type != engagement.SOC3 {
		data.OtherFields = fields
	}
}

// examTellOther keeps what management tells beside its description: sections without
// a title and a text are left out.
func (q *request) examTellOther() error {
	id := q.PathValue("id")
	titles, texts := q.PostForm["title"], q.PostForm["text"]
	if len(titles) != len(texts) {
		return q.textActed(fmt.Errorf("%w: each section of other information has a title and a text", audit.ErrInvalid), "")
	}
	list := []engagement.Information{}
	for i, title := range titles {
		title, text := strings.TrimSpace(title), strings.TrimSpace(texts[i])
		if title+text != "" {
			list = append(list, engagement.Information{Title: title, Text: text})
		}
	}
	err := q.exam.Side.TellOther(q.Context(), q.who, id, list, q.base())
	return q.textActed(err, report.Capital(report.Plural(len(list), "section of other information is", "sections of other information are"))+" kept.")
}
