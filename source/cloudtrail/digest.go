package cloudtrail

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tieout/audit"
	"tieout/source"
)

// late is how long after an event its delivery is waited for. CloudTrail
// delivers within about five minutes on average and guarantees no bound.
const late = 15 * time.Minute

// A digest is what one digest file says, without the log files it names.
type digest struct {
	path       string // of the file
	name       string // of the object in S3, without its folders
	scope      string // account and region
	trail      string
	start, end time.Time
	sum        string // SHA-256 of the unpacked file
	before     string // name of the digest before; "" where there is none
	beforeSum  string
}

// chain names the digests that follow each other.
func (d digest) chain() string { return d.scope + "\x1f" + d.trail }

// A digestFile is the format of a digest file.
type digestFile struct {
	Account   string    `json:"awsAccountId"`
	Start     string    `json:"digestStartTime"`
	End       string    `json:"digestEndTime"`
	Object    string    `json:"digestS3Object"`
	Before    *string   `json:"previousDigestS3Object"`
	BeforeSum *string   `json:"previousDigestHashValue"`
	Logs      []logFile `json:"logFiles"`
}

type logFile struct {
	Object    string `json:"s3Object"`
	Sum       string `json:"hashValue"`
	Algorithm string `json:"hashAlgorithm"`
}

func (r *reading) digest(at string) (digest, error) {
	_, body, err := read(at)
	if err != nil {
		return digest{}, err
	}
	return digestOf(at, body)
}

func digestOf(at string, body []byte) (digest, error) {
	var f digestFile
	if err := json.Unmarshal(body, &f); err != nil {
		return digest{}, errors.New("it is not a digest file of CloudTrail")
	}
	name := path.Base(f.Object)
	m := digestName.FindStringSubmatch(name)
	start, errStart := time.Parse(time.RFC3339, f.Start)
	end, errEnd := time.Parse(time.RFC3339, f.End)
	if m == nil || m[1] != f.Account || errStart != nil || errEnd != nil || !start.Before(end) {
		return digest{}, errors.New("it is not a digest file of CloudTrail: it does not say which account, region and stretch it is of")
	}
	sum := sha256.Sum256(body)
	d := digest{path: at, name: name, scope: m[1] + "/" + m[2], trail: m[3], start: audit.Instant(start), end: audit.Instant(end), sum: hex.EncodeToString(sum[:])}
	if f.Before != nil && f.BeforeSum != nil {
		d.before, d.beforeSum = path.Base(*f.Before), strings.ToLower(*f.BeforeSum)
	}
	return d, nil
}

// follows reports whether d is the digest right after b: it names b with the
// hash that b has, and begins where b ends.
func (d digest) follows(b digest) bool {
	return d.before == b.name && d.beforeSum == b.sum && d.start.Equal(b.end)
}

// chain seals the digests of one account, region and trail, in order of time.
// Each unbroken stretch of them closes complete, each broken one incomplete.
func (r *reading) chain(ctx context.Context, all []digest) error {
	slices.SortFunc(all, func(a, b digest) int { return a.start.Compare(b.start) })
	all = slices.CompactFunc(all, func(a, b digest) bool { return a.sum == b.sum })
	vouched := map[string]string{} // what each digest must hash to, as the one after it says
	for _, d := range all {
		vouched[d.before] = d.beforeSum
	}
	var link *stretch
	for _, d := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		logs, why := r.named(d)
		if sum := vouched[d.name]; sum != "" && sum != d.sum {
			why = "it is not as the digest after it says it was delivered"
		}
		if why != "" {
			if err := r.end(ctx, link); err != nil {
				return err
			}
			link = nil
			if err := r.broken(ctx, d, why); err != nil {
				return err
			}
			continue
		}
		if link != nil && !d.follows(link.last) {
			if err := r.end(ctx, link); err != nil {
				return err
			}
			link = nil
		}
		if link == nil {
			link = r.begin(d)
		}
		if err := r.add(ctx, link, d, logs); err != nil {
			return err
		}
	}
	return r.end(ctx, link)
}

// A stretch is an unbroken chain of digests whose log files are all there.
type stretch struct {
	stream *source.Stream
	start  time.Time
	last   digest
	links  int
	files  int
}

// begin opens the stretch that d is the first of.
func (r *reading) begin(d digest) *stretch {
	s := r.run.EventsIn(audit.Span{From: d.start, To: d.end}, "signIn", d.scope, cannot, kindRecords, kindDigest)
	s.Asked("read the digest files of trail " + d.trail + " and the log files they name")
	return &stretch{stream: s, start: d.start, last: d}
}

// about is what a digest's files settle: once they are there, nothing that
// happened up to a quarter of an hour before their end is still to come.
func (s *stretch) about(d digest) audit.Span {
	from := d.start.Add(-late)
	if from.Before(s.start) {
		from = s.start
	}
	return audit.Span{From: from, To: d.end.Add(-late)}
}

// add seals a digest and the log files it names. Nothing is sealed of a first
// digest that is too short to settle anything: its files count as loose.
func (r *reading) add(ctx context.Context, s *stretch, d digest, logs []logFile) error {
	about := s.about(d)
	s.last = d
	if !about.From.Before(about.To) {
		s.start = d.end
		return nil
	}
	s.links++
	r.any = true
	if err := r.seal(ctx, kindDigest, d.path, d.scope, "", about, s.stream); err != nil {
		return err
	}
	for _, l := range logs {
		name := path.Base(l.Object)
		if err := r.seal(ctx, kindRecords, r.logs[name], d.scope, l.Sum, about, s.stream); err != nil {
			return err
		}
		delete(r.logs, name)
		s.files++
	}
	s.stream.Covers = audit.Span{From: s.start, To: about.To}
	return nil
}

// seal seals a file as a page. sum is what it must hash to, "" for none.
func (r *reading) seal(ctx context.Context, kind, at, scope, sum string, about audit.Span, s *source.Stream) error {
	raw, body, err := read(at)
	if err != nil || sum != "" && !matches(body, sum) {
		s.Fail(r.shown(at) + ": it changed while it was read")
		return nil
	}
	return r.run.Seal(ctx, audit.Page{Kind: kind, Scope: scope, Query: "read " + r.shown(at), Media: media(at), Body: raw, About: about}, s)
}

func matches(body []byte, sum string) bool {
	got := sha256.Sum256(body)
	return strings.EqualFold(hex.EncodeToString(got[:]), sum)
}

// end closes a stretch. Nothing stands for one that settled nothing.
func (r *reading) end(ctx context.Context, s *stretch) error {
	if s == nil || s.links == 0 {
		return nil
	}
	s.stream.Reconcile("log files named by the digests, found with the hash named", s.files, s.stream.Pages-s.links)
	s.stream.Note(fmt.Sprintf("what happened in the last %s of a chain of digests may have been delivered after it, and is not covered", late))
	return r.run.Close(ctx, s.stream)
}

// named are the log files a digest names, and why they do not show all that was
// delivered: one is missing or altered, or the digest says so itself.
func (r *reading) named(d digest) (logs []logFile, why string) {
	_, body, err := read(d.path)
	if err != nil {
		return nil, err.Error()
	}
	var f digestFile
	if err := json.Unmarshal(body, &f); err != nil || f.Logs == nil {
		return nil, "the digest has no list of log files"
	}
	var missing, altered int
	for _, l := range f.Logs {
		at, ok := r.logs[path.Base(l.Object)]
		if !ok {
			missing++
			continue
		}
		if _, body, err := read(at); err != nil || l.Algorithm != "SHA-256" || !matches(body, l.Sum) {
			altered++
		}
	}
	switch {
	case missing > 0:
		return f.Logs, fmt.Sprintf("%d of the %d log files it names are missing", missing, len(f.Logs))
	case altered > 0:
		return f.Logs, fmt.Sprintf("%d of the %d log files it names are not as it says they were delivered", altered, len(f.Logs))
	}
	return f.Logs, ""
}

// broken seals a digest that does not hold, and closes its stretch incomplete.
// The log files it names that are there are sealed as what they are: loose.
func (r *reading) broken(ctx context.Context, d digest, why string) error {
	r.any = true
	about := audit.Span{From: d.start.Add(-late), To: d.end}
	s := r.run.EventsIn(about, "signIn", d.scope, cannot, kindDigest)
	s.Asked("read " + r.shown(d.path))
	s.Fail(filepath.Base(d.path) + ": " + why)
	if err := r.seal(ctx, kindDigest, d.path, d.scope, "", about, s); err != nil {
		return err
	}
	return r.run.Close(ctx, s)
}
