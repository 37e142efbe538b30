package oscal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A document is an assessment-results document of OSCAL 1.x, as far as it is read.
type document struct {
	Metadata struct {
		Version string `json:"oscal-version"`
	} `json:"metadata"`
	Plan struct {
		Href string `json:"href"`
	} `json:"import-ap"`
	Results []result `json:"results"`
}

type result struct {
	Title string `json:"title"`
	Start string `json:"start"`
	End   string `json:"end"`
	Local struct {
		Components []component `json:"components"`
		Assets     struct {
			Components []component `json:"components"`
		} `json:"assessment-assets"`
	} `json:"local-definitions"`
	Observations []observation `json:"observations"`
	Findings     []found       `json:"findings"`
}

type component struct {
	UUID  string `json:"uuid"`
	Title string `json:"title"`
	Props []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"props"`
}

func (c component) version() string {
	for _, p := range c.Props {
		if p.Name == "version" || p.Name == "software-version" {
			return p.Value
		}
	}
	return ""
}

type observation struct {
	UUID     string `json:"uuid"`
	Subjects []struct {
		UUID string `json:"subject-uuid"`
	} `json:"subjects"`
	Origins   []origin `json:"origins"`
	Collected string   `json:"collected"`
}

type origin struct {
	Actors []struct {
		Type string `json:"type"`
		UUID string `json:"actor-uuid"`
	} `json:"actors"`
}

type found struct {
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Origins     []origin `json:"origins"`
	Target      struct {
		Type   string `json:"type"`
		ID     string `json:"target-id"`
		Status struct {
			State string `json:"state"`
		} `json:"status"`
	} `json:"target"`
	Statement    string `json:"implementation-statement-uuid"`
	Observations []struct {
		UUID string `json:"observation-uuid"`
	} `json:"related-observations"`
}

func parse(body []byte) (document, error) {
	var file struct {
		Results *document `json:"assessment-results"`
	}
	if err := json.Unmarshal(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), &file); err != nil {
		return document{}, fmt.Errorf("it is no OSCAL document: %w", err)
	}
	switch d := file.Results; {
	case d == nil:
		return document{}, errors.New("it holds no assessment-results of OSCAL")
	case !strings.HasPrefix(d.Metadata.Version, "1."):
		return document{}, fmt.Errorf("it is of version %q of OSCAL; 1.x is read", d.Metadata.Version)
	case len(d.Results) == 0:
		return document{}, errors.New("it holds no result")
	default:
		return *d, nil
	}
}

// latest returns the result that ended last, or those that did at one instant.
func (d document) latest() (last []result, at time.Time, err error) {
	for i, r := range d.Results {
		t, err := r.ended()
		if err != nil {
			return nil, at, fmt.Errorf("result %d (%s): %w", i+1, r.Title, err)
		}
		switch {
		case i == 0 || t.After(at):
			last, at = []result{r}, t
		case t.Equal(at):
			last = append(last, r)
		}
	}
	return last, at, nil
}

// ended is the result's end; where it has none, as in continuous monitoring,
// when the last of its observations was collected.
func (r result) ended() (time.Time, error) {
	if r.End != "" {
		return instant("end", r.End)
	}
	var last time.Time
	for _, o := range r.Observations {
		t, err := instant("collected", o.Collected)
		if err != nil {
			return last, err
		}
		if t.After(last) {
			last = t
		}
	}
	if last.IsZero() {
		return last, errors.New("it says neither when it ended nor when an observation was collected")
	}
	return last, nil
}

func instant(what, s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return t, fmt.Errorf("%s: %q is no instant with an offset", what, s)
	}
	return t, nil
}
