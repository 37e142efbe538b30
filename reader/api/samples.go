package api

import (
	"net/http"
	"time"

	"tieout/audit"
	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/engagement/redraw"
	"tieout/reader/answer"
	"tieout/sample"
)

// sampleCalls are frozen populations and what is drawn from them.
func (s *Server) sampleCalls() {
	addFile(s, operation{id: "list-frozen", method: http.MethodGet, path: "/engagements/{engagement}/populations", tag: "Samples", needs: "workpaper.read", title: "Frozen populations, and the auditor's word on each"}, listFrozen)
	addFile(s, operation{id: "get-frozen", method: http.MethodGet, path: "/engagements/{engagement}/populations/{id}", tag: "Samples", needs: "workpaper.read", title: "One frozen population"}, getFrozen)
	addFile(s, operation{id: "write-completeness", method: http.MethodPut, path: "/engagements/{engagement}/populations/{id}/completeness", tag: "Samples", needs: "population.accept",
		sends: `{"text":"Compared the count with the source's own list; nothing is missing."}`, title: "Write the auditor's own work on a population's completeness and accuracy"}, writeComplete)
	addFile(s, operation{id: "accept-population", method: http.MethodPost, path: "/engagements/{engagement}/populations/{id}/acceptance", tag: "Samples", needs: "population.accept", title: "Accept a frozen population"}, acceptPopulation)
	addFile(s, operation{id: "question-population", method: http.MethodPost, path: "/engagements/{engagement}/populations/{id}/questions", tag: "Samples", needs: "population.accept", sends: `{"text":"Where are the changes of May?"}`,
		title: "Ask the client about a population, or take an acceptance back"}, questionPopulation)
	addFile(s, operation{id: "list-nonces", method: http.MethodGet, path: "/engagements/{engagement}/nonces", tag: "Samples", needs: "workpaper.read", title: "Commitments to nonces that no sample was drawn with", detail: "Without the nonces."}, listNonces)
	addFile(s, operation{id: "commit-nonce", method: http.MethodPost, path: "/engagements/{engagement}/nonces", tag: "Samples", needs: "sample.draw", status: http.StatusCreated, sends: `{"control":"CHG-01","round":"1"}`,
		title: "Commit to the nonce of a draw, before the client freezes"}, commitNonce)
	addFile(s, operation{id: "list-samples", method: http.MethodGet, path: "/engagements/{engagement}/samples", tag: "Samples", needs: "workpaper.read", title: "Samples, and whether the client has each"}, listSamples)
	addFile(s, operation{id: "get-sample", method: http.MethodGet, path: "/engagements/{engagement}/samples/{id}", tag: "Samples", needs: "workpaper.read", title: "One sample, with its draws and items"}, getSample)
	addFile(s, operation{id: "get-redraw", method: http.MethodGet, path: "/engagements/{engagement}/samples/{id}/redraw", tag: "Samples", needs: "workpaper.read", title: "A released sample with what anybody needs to pick it again",
		detail: "The file that 'tieout sample verify' reads."}, getRedraw)
	addFile(s, operation{id: "draw-sample", method: http.MethodPost, path: "/engagements/{engagement}/samples", tag: "Samples", needs: "sample.draw", status: http.StatusCreated, sends: orderExample, title: "Draw a sample",
		detail: "From a population that is frozen and accepted, for a control whose reliance is fixed, with a nonce from before the freeze."}, drawSample)
	addFile(s, operation{id: "release-sample", method: http.MethodPost, path: "/engagements/{engagement}/samples/{id}/release", tag: "Samples", needs: "sample.release", title: "Release a sample to the client"}, releaseSample)
	addFile(s, operation{id: "extend-sample", method: http.MethodPost, path: "/engagements/{engagement}/samples/{id}/extension", tag: "Samples", needs: "sample.draw", title: "Extend a sample as it was planned before the draw"}, extendSample)
	addFile(s, operation{id: "replace-item", method: http.MethodPost, path: "/engagements/{engagement}/samples/{id}/replacements", tag: "Samples", needs: "sample.draw", sends: `{"item":"CHG-0001","why":"It was a test of the pipeline.","proof":[7]}`,
		title: "Replace an item that is proved to be void"}, replaceItem)
}

const orderExample = `{"population":"P-1","control":"CHG-01","method":"random","size":6,"basis":"Agreed with the partner."}`

// Frozen is a frozen population with the auditor's word on it. Its items are not
// here: what was computed for one is shown after the tester's own mark.
type Frozen struct {
	engagement.Population
	At           time.Time `json:"at" doc:"When it came"`
	Accepted     bool      `json:"accepted"`
	AcceptedBy   string    `json:"acceptedBy,omitempty"`
	Completeness string    `json:"completeness,omitempty" doc:"The auditor's own work"`
	Questions    []Step    `json:"questions" nullable:"false"`
	Superseded   string    `json:"superseded,omitempty" doc:"The later freeze that took its place"`
	Revision     int64     `json:"revision"`
}

func frozenOf(f *fieldwork.File, p *fieldwork.Population) Frozen {
	return Frozen{Population: p.Population, At: p.At, Accepted: p.Accepted, AcceptedBy: p.AcceptedBy, Completeness: f.Plan.Complete[p.ID], Questions: stepsOf(p.Questions), Superseded: p.Superseded, Revision: p.Revision}
}

func listFrozen(d *desk, in *FilePage) (*listOut[Frozen], error) {
	var all []Frozen
	accepted := 0
	err := d.file(in.Engagement, func(_ *fieldwork.State, f *fieldwork.File) error {
		for _, p := range answer.InOrder(f.Populations) {
			all = append(all, frozenOf(f, p))
			if p.Accepted {
				accepted++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cut(&in.Paging, "tieout.frozen/1", answer.Counted(len(all), "population", "populations")+" "+answer.Counted(accepted, "is accepted", "are accepted"), all, "/engagements/"+in.Engagement+"/populations")
}

func getFrozen(d *desk, in *objectIn) (out *oneOut[Frozen], err error) {
	err = d.file(in.Engagement, func(_ *fieldwork.State, f *fieldwork.File) error {
		p := f.Populations[in.ID]
		if p == nil {
			return unknown("population", in.ID, in.Engagement)
		}
		say := p.ID + " is not accepted."
		if p.Accepted {
			say = p.ID + " is accepted."
		}
		out = tagged("tieout.frozen-population/1", say, p.Revision, frozenOf(f, p))
		return nil
	})
	return out, err
}

// Words are a person's own.
type Words struct {
	Text string `json:"text" minLength:"1" maxLength:"20000"`
}

// onPopulation does something to a population, from the revision in If-Match.
func (d *desk) onPopulation(o *Object, m *Match, words string, do func(base int64) error) (*oneOut[Done], error) {
	base, err := m.revision()
	if err != nil {
		return nil, err
	}
	if err := do(base); err != nil {
		return nil, d.since(err, o.Engagement, "population:"+o.Engagement+"/"+o.ID, base)
	}
	return d.sent(o.Engagement, "population", o.ID, words)
}

func writeComplete(d *desk, in *changes[Words]) (*oneOut[Done], error) {
	return d.onPopulation(&in.Object, &in.Match, "The work on "+in.ID+" is written.", func(base int64) error {
		return d.files.WriteComplete(d, d.Who, in.Engagement, in.ID, in.Body.Text, base)
	})
}

func acceptPopulation(d *desk, in *actsFrom) (*oneOut[Done], error) {
	return d.onPopulation(&in.Object, &in.Match, in.ID+" is accepted.", func(base int64) error {
		return d.files.AcceptPopulation(d, d.Who, in.Engagement, in.ID, base)
	})
}

func questionPopulation(d *desk, in *changes[Words]) (*oneOut[Done], error) {
	return d.onPopulation(&in.Object, &in.Match, in.ID+" is questioned.", func(base int64) error {
		return d.files.QuestionPopulation(d, d.Who, in.Engagement, in.ID, in.Body.Text, base)
	})
}

// Nonce is a commitment to the nonce of a draw, without the nonce.
type Nonce struct {
	Control string `json:"control"`
	Round   string `json:"round"`
	Stratum string `json:"stratum,omitempty"`
	Record  string `json:"record" doc:"The entry of the firm's log"`
	Hidden  string `json:"hidden" doc:"SHA-256 over tag, salt and nonce, hex"`
}

func nonceOf(c fieldwork.Commitment) Nonce {
	return Nonce{c.Control, c.Round, c.Stratum, audit.EvidenceRef(c.Record), c.Hidden}
}

func listNonces(d *desk, in *FilePage) (*listOut[Nonce], error) {
	list, err := d.files.Unopened(d, in.Engagement)
	if err != nil {
		return nil, err
	}
	var all []Nonce
	for _, c := range list {
		all = append(all, nonceOf(c))
	}
	return cut(&in.Paging, "tieout.nonces/1", answer.Counted(len(all), "commitment is not opened", "commitments are not opened"), all, "/engagements/"+in.Engagement+"/nonces")
}

// NonceText says of which draw.
type NonceText struct {
	Control string `json:"control" minLength:"1" maxLength:"100"`
	Round   string `json:"round" minLength:"1" maxLength:"20"`
	Stratum string `json:"stratum,omitempty" maxLength:"200" doc:"Left out: the population has none"`
}

func commitNonce(d *desk, in *does[NonceText]) (*oneOut[Nonce], error) {
	c, err := d.files.CommitNonce(d, d.Who, in.Engagement, in.Body.Control, in.Body.Round, in.Body.Stratum)
	if err != nil {
		return nil, err
	}
	out := one("tieout.nonce/1", "A nonce is committed for "+c.Control+", round "+c.Round+"."+flushed(d, d.s, in.Engagement), nonceOf(c))
	out.Status = http.StatusCreated
	return out, nil
}

// Sample is one draw.
type Sample struct {
	engagement.Sample
	Risk     string           `json:"risk,omitempty" doc:"Row of the size table; left out: the size has a stated basis"`
	Spread   []redraw.Quarter `json:"spread" nullable:"false"`
	At       time.Time        `json:"at"`
	By       string           `json:"by" doc:"Account"`
	Record   string           `json:"record"`
	Released *time.Time       `json:"released,omitempty" doc:"Left out: the client does not know it as it now is"`
	Steps    []Step           `json:"steps" nullable:"false"`
	Revision int64            `json:"revision"`
}

func sampleOf(s *fieldwork.Sample) Sample {
	return Sample{Sample: s.Sample, Risk: s.Risk, Spread: append([]redraw.Quarter{}, s.Spread...), At: s.At, By: s.By, Record: audit.EvidenceRef(s.Record), Released: when(s.Released), Steps: stepsOf(s.Steps), Revision: s.Revision}
}

func listSamples(d *desk, in *FilePage) (*listOut[Sample], error) {
	var all []Sample
	err := d.file(in.Engagement, func(_ *fieldwork.State, f *fieldwork.File) error {
		for _, x := range answer.InOrder(f.Samples) {
			all = append(all, sampleOf(x))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cut(&in.Paging, "tieout.samples/1", answer.Counted(len(all), "sample", "samples"), all, "/engagements/"+in.Engagement+"/samples")
}

func getSample(d *desk, in *objectIn) (out *oneOut[Sample], err error) {
	err = d.file(in.Engagement, func(_ *fieldwork.State, f *fieldwork.File) error {
		x := f.Samples[in.ID]
		if x == nil {
			return unknown("sample", in.ID, in.Engagement)
		}
		out = tagged("tieout.sample/1", x.ID+" is drawn from "+x.Population+" for "+x.Control+": "+x.Basis+".", x.Revision, sampleOf(x))
		return nil
	})
	return out, err
}

func getRedraw(d *desk, in *objectIn) (*oneOut[redraw.File], error) {
	f, err := d.files.ExportSample(d, d.Who, in.Engagement, in.ID)
	if err != nil {
		return nil, err
	}
	return one(redraw.Schema, "Whoever has this can pick "+in.ID+" again.", f), nil
}

// OrderText is what a draw is asked for.
type OrderText struct {
	Population string            `json:"population" minLength:"1" maxLength:"100"`
	Control    string            `json:"control" minLength:"1" maxLength:"100"`
	Method     string            `json:"method" enum:"random,systematic,stratified,judgmental,100 percent"`
	Risk       string            `json:"risk,omitempty" enum:"low,moderate,high" doc:"Row of the firm's table, where no size is given"`
	Frequency  string            `json:"frequency,omitempty" maxLength:"50"`
	Size       int               `json:"size,omitempty" minimum:"0" doc:"0: by the firm's table"`
	Basis      string            `json:"basis,omitempty" maxLength:"2000" doc:"Of a size that is not by the table"`
	Why        string            `json:"why,omitempty" maxLength:"5000"`
	Picked     map[string]string `json:"picked,omitempty" doc:"Of a judgmental draw: the reason by item"`
	Stages     []fieldwork.Stage `json:"stages,omitempty" maxItems:"20" doc:"Planned extension: totals from the start"`
}

func drawSample(d *desk, in *does[OrderText]) (*oneOut[Done], error) {
	b := &in.Body
	x, err := d.files.DrawSample(d, d.Who, in.Engagement, fieldwork.Order{Population: b.Population, Control: b.Control, Method: engagement.Method(b.Method), Risk: sample.Risk(b.Risk), Frequency: b.Frequency,
		Size: b.Size, Basis: b.Basis, Why: b.Why, Picked: b.Picked, Stages: b.Stages})
	if err != nil {
		return nil, err
	}
	return created(d.done(in.Engagement, "sample", x.ID, x.ID+" is drawn. The client does not know it before its release."))
}

// onSample does something to a sample, from the revision in If-Match.
func (d *desk) onSample(o *Object, m *Match, words string, do func(base int64) error) (*oneOut[Done], error) {
	base, err := m.revision()
	if err != nil {
		return nil, err
	}
	if err := do(base); err != nil {
		return nil, d.since(err, o.Engagement, "sample:"+o.Engagement+"/"+o.ID, base)
	}
	return d.sent(o.Engagement, "sample", o.ID, words)
}

func releaseSample(d *desk, in *actsFrom) (*oneOut[Done], error) {
	return d.onSample(&in.Object, &in.Match, in.ID+" is released.", func(base int64) error {
		return d.files.ReleaseSample(d, d.Who, in.Engagement, in.ID, base)
	})
}

func extendSample(d *desk, in *actsFrom) (*oneOut[Done], error) {
	return d.onSample(&in.Object, &in.Match, in.ID+" is extended.", func(base int64) error {
		_, err := d.files.ExtendSample(d, d.Who, in.Engagement, in.ID, base)
		return err
	})
}

// ReplacementText says which item is void, and what proves it.
type ReplacementText struct {
	Item  string  `json:"item" minLength:"1" maxLength:"300"`
	Why   string  `json:"why" minLength:"1" maxLength:"5000"`
	Proof []int64 `json:"proof" minItems:"1" maxItems:"100" doc:"Records of the client's log"`
}

func replaceItem(d *desk, in *changes[ReplacementText]) (*oneOut[Done], error) {
	return d.onSample(&in.Object, &in.Match, in.Body.Item+" is replaced.", func(base int64) error {
		_, err := d.files.ReplaceItem(d, d.Who, in.Engagement, in.ID, in.Body.Item, in.Body.Why, in.Body.Proof, base)
		return err
	})
}
