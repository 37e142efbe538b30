package requestfile_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/requestfile"
)

var rows = []requestfile.Row{
	{Request: engagement.Request{ID: "RQ-1", Kind: "population", Title: "Changes", Asks: "All changes of 2026,\nfrom the deploy log", Tests: []string{"T-CHG-01-1", "T-CHG-02-1"}, Due: "2027-01-15"}, Status: engagement.RequestOpen},
	{Request: engagement.Request{ID: "RQ-2", Kind: "evidence", Title: "=HYPERLINK(\"x\")", Asks: "-1 is a \"formula\" to some", Tests: []string{}, Items: []string{"CHG-1", "CHG 2"}}, Status: engagement.RequestReturned, Why: "@again"},
	{Request: engagement.Request{ID: "RQ-3", Kind: "document", Title: "'quoted", Asks: "'=1", Tests: []string{}}, Status: engagement.RequestOpen},
}

func TestRequestsGoOutAndComeBack(t *testing.T) {
	for _, c := range []struct {
		name  string
		write func(io.Writer, []requestfile.Row) error
		read  func(string, io.Reader) ([]requestfile.Row, error)
	}{{"csv", requestfile.WriteCSV, requestfile.ReadCSV}, {"xlsx", requestfile.WriteXLSX, requestfile.ReadXLSX}} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			if err := c.write(&b, rows); err != nil {
				t.Fatal(err)
			}
			if c.name == "csv" && (strings.Contains(b.String(), "\"=HYPER") || !strings.Contains(b.String(), "'=HYPERLINK")) {
				t.Errorf("a formula went out as one: %s", b.String())
			}
			got, err := c.read("list."+c.name, &b)
			if err != nil || len(got) != len(rows) {
				t.Fatalf("read %d rows, %v; want %d", len(got), err, len(rows))
			}
			for i := range got {
				if !reflect.DeepEqual(got[i].Request, rows[i].Request) {
					t.Errorf("row %d came back as %+v; want %+v", i, got[i].Request, rows[i].Request)
				}
			}
		})
	}
}

func TestEverythingWrongIsNamed(t *testing.T) {
	_, err := requestfile.ReadCSV("pbc.csv", strings.NewReader("kind,title,asks,due\npopulation,Changes,All,tomorrow\nsomething,,More,\n"))
	if !errors.Is(err, audit.ErrInvalid) {
		t.Fatalf("got %v; want it refused", err)
	}
	for _, want := range []string{"pbc.csv:2:24: due", "pbc.csv:3:1: kind", "title is missing"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	for name, in := range map[string]string{"empty": "", "unknown column": "kind,title,asks,secret\n", "a column short": "kind,title\n", "quotes": "kind,title,asks\n\"a,b\n"} {
		if _, err := requestfile.ReadCSV("x.csv", strings.NewReader(in)); !errors.Is(err, audit.ErrInvalid) || !strings.Contains(err.Error(), "x.csv:") {
			t.Errorf("%s: %v; want it refused at its place", name, err)
		}
	}
	if _, err := requestfile.ReadXLSX("x.xlsx", strings.NewReader("PK no")); !errors.Is(err, audit.ErrInvalid) {
		t.Errorf("no workbook: %v; want it refused", err)
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add("kind,title,asks\npopulation,Changes,All\n")
	f.Add("\ufeffid,kind,title,asks,tests,items,due,status,why\nRQ-1,evidence,'=1,x,\"a b\",\"1\n2\",2026-01-01,Open,\n")
	f.Fuzz(func(t *testing.T, in string) {
		got, err := requestfile.ReadCSV("f.csv", strings.NewReader(in))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := requestfile.WriteCSV(&b, got); err != nil {
			t.Fatal(err)
		}
		again, err := requestfile.ReadCSV("f.csv", &b)
		if err != nil || len(again) != len(got) {
			t.Fatalf("%d rows went out, %d came back: %v", len(got), len(again), err)
		}
	})
}
