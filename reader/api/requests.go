package api

import (
	"net/http"
	"time"

	"tieout/engagement"
	"tieout/engagement/fieldwork"
	"tieout/reader/answer"
)

// requestCalls are what the firm asks the client for.
func (s *Server) requestCalls() {
	addFile(s, operation{id: "list-requests", method: http.MethodGet, path: "/engagements/{engagement}/requests", tag: "Requests", needs: "workpaper.read", title: "What the client is asked for"}, listRequests)
	addFile(s, operation{id: "get-request", method: http.MethodGet, path: "/engagements/{engagement}/requests/{id}", tag: "Requests", needs: "workpaper.read", title: "One request, with its course"}, getRequest)
	addFile(s, operation{id: "add-request", method: http.MethodPost, path: "/engagements/{engagement}/requests", tag: "Requests", needs: "request.write", status: http.StatusCreated, sends: requestExample,
		title: "Write a request", detail: "The client knows nothing of it before its release."}, addRequest)
	addFile(s, operation{id: "set-request", method: http.MethodPut, path: "/engagements/{engagement}/requests/{id}", tag: "Requests", needs: "request.write", sends: requestExample, title: "Change a request",
		detail: "A change of a released one has to be released again."}, setRequest)
	addFile(s, operation{id: "release-requests", method: http.MethodPost, path: "/engagements/{engagement}/requests/release", tag: "Requests", needs: "request.write", sends: `{"requests":["RQ-1"]}`, title: "Release requests to the client"}, releaseRequests)
	addFile(s, operation{id: "decide-request", method: http.MethodPut, path: "/engagements/{engagement}/requests/{id}/status", tag: "Requests", needs: "request.write", sends: `{"status":"Withdrawn","why":"It came otherwise."}`,
		title: "Accept an answer, return it with the reason, or withdraw the request"}, decideRequest)
}

const requestExample = `{"kind":"document","title":"Board minutes","asks":"The minutes of each quarter."}`

// RequestText is what is asked for.
type RequestText struct {
	Kind  string   `json:"kind" enum:"population,evidence,document,explanation"`
	Title string   `json:"title" minLength:"1" maxLength:"200"`
	Asks  string   `json:"asks" minLength:"1" maxLength:"20000" doc:"What to bring, in words"`
	Tests []string `json:"tests,omitempty" maxItems:"200" doc:"Tests it serves"`
	Items []string `json:"items,omitempty" maxItems:"5000" doc:"Of a released sample"`
	Due   string   `json:"due,omitempty" maxLength:"10" doc:"A day"`
}

func (t *RequestText) request(id string) engagement.Request {
	return engagement.Request{ID: id, Kind: t.Kind, Title: t.Title, Asks: t.Asks, Tests: t.Tests, Items: t.Items, Due: t.Due}
}

// Request is one request with its course.
type Request struct {
	ID string `json:"id"`
	RequestText
	Status   string     `json:"status"`
	Why      string     `json:"why,omitempty" doc:"Of the last return or withdrawal"`
	Released bool       `json:"released" doc:"The client has it"`
	Since    *time.Time `json:"since,omitempty" doc:"When it came to where it is"`
	Answers  []Answer   `json:"answers" nullable:"false"`
	Steps    []Step     `json:"steps" nullable:"false"`
	Revision int64      `json:"revision"`
}

// Answer is one answer of the client's.
type Answer struct {
	Status  string   `json:"status"`
	Text    string   `json:"text,omitempty"`
	Records []int64  `json:"records" nullable:"false" doc:"Of the client's log"`
	Files   []string `json:"files" nullable:"false"`
}

func answersOf(list []engagement.Answer) []Answer {
	out := []Answer{}
	for _, a := range list {
		out = append(out, Answer{string(a.Status), a.Text, append([]int64{}, a.Records...), append([]string{}, a.Files...)})
	}
	return out
}

func requestOf(r *fieldwork.Request) Request {
	out := Request{ID: r.ID, RequestText: RequestText{r.Kind, r.Title, r.Asks, r.Tests, r.Items, r.Due}, Status: string(r.Status), Why: r.Why, Released: r.Released, Answers: answersOf(r.Answers),
		Steps: stepsOf(r.Steps), Revision: r.Revision}
	if n := len(r.Steps); n > 0 {
		out.Since = when(r.Steps[n-1].At)
	}
	return out
}

type requestsIn struct {
	FilePage
	Status string `query:"status" maxLength:"30" doc:"Only those that stand so, such as Submitted"`
}

func listRequests(d *desk, in *requestsIn) (*listOut[Request], error) {
	var all []Request
	err := d.file(in.Engagement, func(_ *fieldwork.State, f *fieldwork.File) error {
		for _, r := range answer.InOrder(f.Requests) {
			if in.Status == "" || in.Status == string(r.Status) {
				all = append(all, requestOf(r))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return cut(&in.Paging, "tieout.requests/1", answer.Counted(len(all), "request", "requests"), all, "/engagements/"+in.Engagement+"/requests", "status", in.Status)
}

func getRequest(d *desk, in *objectIn) (out *oneOut[Request], err error) {
	err = d.file(in.Engagement, func(_ *fieldwork.State, f *fieldwork.File) error {
		r := f.Requests[in.ID]
		if r == nil {
			return unknown("request", in.ID, in.Engagement)
		}
		out = tagged("tieout.request/1", r.ID+": "+string(r.Status)+".", r.Revision, requestOf(r))
		return nil
	})
	return out, err
}

func addRequest(d *desk, in *does[RequestText]) (*oneOut[Done], error) {
	r, err := d.files.SetRequest(d, d.Who, in.Engagement, in.Body.request(""), 0)
	if err != nil {
		return nil, err
	}
	return created(d.done(in.Engagement, "request", r.ID, r.ID+" is written. The client knows nothing of it before its release."))
}

func setRequest(d *desk, in *changes[RequestText]) (*oneOut[Done], error) {
	base, err := in.revision()
	if err != nil {
		return nil, err
	}
	if _, err := d.files.SetRequest(d, d.Who, in.Engagement, in.Body.request(in.ID), base); err != nil {
		return nil, d.since(err, in.Engagement, "request:"+in.Engagement+"/"+in.ID, base)
	}
	return d.done(in.Engagement, "request", in.ID, in.ID+" is changed.")
}

// Requests names requests.
type Requests struct {
	Requests []string `json:"requests" minItems:"1" maxItems:"500"`
}

func releaseRequests(d *desk, in *does[Requests]) (*oneOut[Done], error) {
	if err := d.files.ReleaseRequests(d, d.Who, in.Engagement, in.Body.Requests...); err != nil {
		flushed(d, d.s, in.Engagement) // those before the one that could not be are released
		return nil, err
	}
	return d.sent(in.Engagement, "requests", "", answer.Counted(len(in.Body.Requests), "request is released", "requests are released"))
}

// RequestStatus is the firm's word on a request.
type RequestStatus struct {
	Status string `json:"status" enum:"Accepted,Returned,Withdrawn"`
	Why    string `json:"why,omitempty" maxLength:"5000" doc:"Of a return or a withdrawal"`
}

func decideRequest(d *desk, in *changes[RequestStatus]) (*oneOut[Done], error) {
	base, err := in.revision()
	if err != nil {
		return nil, err
	}
	if err := d.files.DecideRequest(d, d.Who, in.Engagement, in.ID, engagement.RequestStatus(in.Body.Status), in.Body.Why, base); err != nil {
		return nil, d.since(err, in.Engagement, "request:"+in.Engagement+"/"+in.ID, base)
	}
	return d.sent(in.Engagement, "request", in.ID, in.ID+": "+in.Body.Status+".")
}
