package jobs

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/evidence"
	"tieout/period"
	"tieout/reader/tasks"
	"tieout/reminder"
	"tieout/report"
	"tieout/store"
	"tieout/worker"
)

// remind tells people what is due today. What was told is not told again that
// day, by whichever worker; what failed is tried again with the job.
func (w *work) remind(ctx context.Context) (worker.Result, error) {
	conf := w.p.Def.Config.Reminders
	if !conf.Any() {
		return worker.Result{}, fmt.Errorf("%w: tieout.yaml names no way to tell people; write reminders: with email, chat or webhook", audit.ErrInvalid)
	}
	l, err := tasks.Read(ctx, w.p, w.p.Now())
	if err != nil {
		return worker.Result{}, err
	}
	people, err := tasks.Recipients(ctx, w.p.Store)
	if err != nil {
		return worker.Result{}, err
	}
	rules := reminder.Rules{Ahead: *conf.Ahead, Escalate: *conf.Escalate}
	rules.Digest, rules.Weekly = conf.Weekday()
	base := w.p.Def.Config.Server.URL
	ms := l.Messages(people, rules, base)
	if w.in.Task != "" {
		if ms, err = l.MessageOf(people, w.in.Task, base); err != nil {
			return worker.Result{}, err
		}
	}
	t := &telling{p: w.p, t: w.t, day: l.Day(), task: w.in.Task}
	if len(ms) > 0 {
		t.byMail(ctx, ms)
		t.byChat(ctx, l.ChatText(ms, base), len(ms))
		t.byWebhook(ctx, l.Post(w.p.Def.Organization.Name, ms), len(ms))
	}
	if w.in.Task == "" {
		n, err := w.newsOf(ctx, l.Day(), rules.IsDigest(l.Now.In(l.Period.Location()).Weekday()))
		if err != nil {
			return worker.Result{}, err
		}
		of, err := w.tellNews(ctx, n, people, base)
		if err != nil {
			return worker.Result{}, err
		}
		t.add(of)
	}
	return worker.Result{Text: sayTold(t.told, t.now, t.unsure, len(t.later)+len(t.never)), Value: Outcome{Told: t.told}}, t.error()
}

// add counts another telling of the same job.
func (t *telling) add(of *telling) {
	t.told, t.now, t.unsure = t.told+of.told, t.now+of.now, t.unsure+of.unsure
	t.later, t.never = append(t.later, of.later...), append(t.never, of.never...)
}

// A telling is one day's reminders on their way.
type telling struct {
	p      *period.Program
	t      *worker.Task
	day    string
	task   string  // that alone is spoken of, whatever else was said that day; "": what is due
	news   string  // key of the news that is spoken of, the same on every day; "": what is due
	told   int     // now or earlier today
	now    int     // of those
	unsure int     // whose end nobody knows
	later  []error // may work later
	never  []error // will not
}

// maxTries is how often one message is tried on a day.
const maxTries = 5

func (t *telling) byMail(ctx context.Context, ms []reminder.Message) {
	c := t.p.Def.Config.Reminders.Email
	if c == nil {
		return
	}
	m := reminder.Mail{Server: c.Server, From: c.From, User: c.User, Implicit: c.TLS == "implicit", Allow: c.Allow}
	if c.Password != "" {
		var err error
		if m.Password, err = t.p.Env.Secret(ctx, c.Password); err != nil {
			t.never = append(t.never, err)
			return
		}
	}
	for i, msg := range ms {
		t.tell(ctx, "email", "account:"+msg.To.Account, len(msg.Lines)+len(msg.Later), func() error { return m.Send(ctx, msg, t.p.Now()) })
		t.progress("E-mail", i+1, len(ms))
	}
}

func (t *telling) byChat(ctx context.Context, text string, lines int) {
	c := t.p.Def.Config.Reminders.Chat
	if c == nil {
		return
	}
	address, err := t.p.Env.Secret(ctx, c.Address)
	if err != nil {
		t.never = append(t.never, err)
		return
	}
	t.tell(ctx, "chat", "chat", lines, func() error { return reminder.Hook{URL: address, Allow: c.Allow}.Chat(ctx, text) })
	t.progress("Chat", 1, 1)
}

func (t *telling) byWebhook(ctx context.Context, value any, lines int) {
	c := t.p.Def.Config.Reminders.Webhook
	if c == nil {
		return
	}
	secret, err := t.p.Env.Secret(ctx, c.Secret)
	if err != nil {
		t.never = append(t.never, err)
		return
	}
	t.tell(ctx, "webhook", "webhook", lines, func() error {
		return reminder.Hook{URL: c.URL, Secret: secret, Allow: c.Allow}.Post(ctx, value, t.p.Now())
	})
	t.progress("Webhook", 1, 1)
}

func (t *telling) progress(channel string, done, of int) {
	t.t.Update(channel, "", func(p *worker.Part) {
		p.State, p.Done, p.Total = store.PartReading, int64(done), int64(of)
		if done == of {
			p.State = store.PartSealed
		}
	})
}

// tell sends one message unless it was sent today already. That it is tried is
// sealed first, and how it ended after it: an attempt without an end may have
// arrived, and is not repeated.
func (t *telling) tell(ctx context.Context, channel, to string, lines int, send func() error) {
	if ctx.Err() != nil {
		return
	}
	try, state, err := t.newest(ctx, channel, to)
	switch {
	case err != nil:
		t.later = append(t.later, err)
		return
	case state == tried:
		t.unsure++
		return
	case state == arrived:
		t.told++
		return
	case try > maxTries:
		t.never = append(t.never, fmt.Errorf("%w: %s to %s: %d attempts failed today", audit.ErrForbidden, channel, to, maxTries))
		return
	}
	if err := t.seal(ctx, channel, to, "remind", try, map[string]string{"lines": strconv.Itoa(lines)}); err != nil {
		t.later = append(t.later, err)
		return
	}
	if err := send(); err != nil {
		t.failed(ctx, channel, to, try, err)
		return
	}
	if err := t.seal(ctx, channel, to, "reminded", try, nil); err != nil {
		t.later = append(t.later, err) // the next attempt finds that this one has no end, and leaves it
		return
	}
	t.told++
	t.now++
}

// failed seals that an attempt failed, so that the next one may be made.
func (t *telling) failed(ctx context.Context, channel, to string, try int, why error) {
	why = fmt.Errorf("%s to %s: %w", channel, to, why)
	if errors.Is(why, audit.ErrUnavailable) {
		t.later = append(t.later, why)
	} else {
		t.never = append(t.never, why)
	}
	if err := t.seal(context.WithoutCancel(ctx), channel, to, "remind failed", try, map[string]string{"why": why.Error()}); err != nil {
		t.later = append(t.later, err)
	}
}

// How an attempt stands.
const (
	fresh   = iota // it was not made
	tried          // it was begun, and nobody sealed its end
	arrived        // it was taken over
)

// newest is the attempt that is to be made next, or the last that was made.
func (t *telling) newest(ctx context.Context, channel, to string) (try, state int, err error) {
	var ids []string
	for n := 1; n <= maxTries; n++ {
		for _, act := range []string{"remind", "reminded", "remind failed"} {
			ids = append(ids, t.id(channel, to, act, n))
		}
	}
	known, err := t.p.Store.Indexes(ctx, ids)
	if err != nil {
		return 0, 0, err
	}
	has := func(n, i int) bool { _, ok := known[ids[3*(n-1)+i]]; return ok }
	for n := 1; n <= maxTries; n++ {
		switch {
		case !has(n, 0):
			return n, fresh, nil
		case has(n, 1):
			return n, arrived, nil
		case !has(n, 2):
			return n, tried, nil
		}
	}
	return maxTries + 1, fresh, nil
}

// id is that of the record of an act, the same whoever seals it.
func (t *telling) id(channel, to, act string, try int) string {
	parts := []string{"tieout reminder", t.day, channel, to, act, strconv.Itoa(try)}
	if t.news != "" {
		parts[1] = t.news
	}
	if t.task != "" {
		parts = append(parts, t.task)
	}
	return hashed(parts...)
}

// hashed is a record's ID that follows from parts.
func hashed(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // UUIDv8, RFC 9562 section 5.8
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// seal records an act without what was said.
func (t *telling) seal(ctx context.Context, channel, to, act string, try int, facts map[string]string) error {
	all := map[string]string{"channel": channel, "day": t.day, "try": strconv.Itoa(try)}
	if t.task != "" {
		all["task"] = t.task
	}
	if t.news != "" {
		all["news"] = t.news
	}
	for k, v := range facts {
		all[k] = v
	}
	_, err := t.p.Seal.SealOnce(ctx, evidence.Draft{ID: t.id(channel, to, act, try), Kind: audit.RecordActivity, Actor: machine,
		Detail: audit.Activity{Through: "reminders", Act: act, On: to, Facts: all}})
	return err
}

// sayTold is one sentence about a day's reminders: how many were sent, how many
// of them now, of how many nobody knows, and how many could not be sent.
func sayTold(told, now, unsure, failed int) string {
	var parts []string
	switch {
	case told > 0 && now == 0:
		parts = append(parts, report.Plural(told, "message was", "messages were")+" sent earlier today")
	case told > now:
		parts = append(parts, report.Plural(told, "message was", "messages were")+" sent today, "+report.Number(now)+" now")
	case told > 0:
		parts = append(parts, report.Plural(told, "message was", "messages were")+" sent")
	}
	if unsure > 0 {
		it := "it"
		if unsure > 1 {
			it = "they"
		}
		parts = append(parts, "of "+report.Plural(unsure, "message", "messages")+" it is not known whether "+it+" arrived")
	}
	if failed > 0 {
		parts = append(parts, report.Plural(failed, "message", "messages")+" could not be sent")
	}
	if len(parts) == 0 {
		return "Nobody has to be told anything today."
	}
	return report.Capital(strings.Join(parts, "; ")) + "."
}

// error is what another attempt may mend, else what it will not.
func (t *telling) error() error {
	if len(t.later) > 0 {
		return errors.Join(t.later...)
	}
	if len(t.never) > 0 {
		return worker.Final(errors.Join(t.never...))
	}
	return nil
}
