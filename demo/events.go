package demo

import (
	"fmt"
	"strings"
	"time"
)

// An event is one row of an event export, at its instant.
type event struct {
	at    time.Time
	cells []string
}

// put adds an event if it lies in the month that starts at from.
func put(out []event, from, at time.Time, cells ...string) []event {
	if at.Before(from) || !at.Before(from.AddDate(0, 1, 0)) {
		return out
	}
	return append(out, event{at, cells})
}

var backupColumns = columns("JobId ResourceArn State CompletionDate Vault CrossAccount:b Encrypted:b Locked:b Bytes:i")

// backups are one a day for every production datastore, at 06:30 UTC: on the
// night the clocks change too, and never twice on one local day.
func (w *world) backups(a cloudAccount, month time.Time) []event {
	var out []event
	_ = eachDay(month, month.AddDate(0, 1, 0), func(d time.Time) error { // the callback never fails
		base := time.Date(d.Year(), d.Month(), d.Day(), 6, 30, 0, 0, time.UTC)
		for i := range w.storeCount(a) {
			if a.name == "prod" && i == missedBackup && d.Equal(day(2025, 5, 18)) {
				continue
			}
			at := base.Add(time.Duration(i%50)*37*time.Second + time.Duration(d.Day())*time.Second)
			id := fmt.Sprintf("bk-%s-%s-%04d", a.number[8:], d.Format("20060102"), i)
			out = append(out, event{at, []string{id, storeARN(a, i), "COMPLETED", instantText(at), "arn:aws:backup:us-west-2:411122229999:vault/halyard",
				"true", "true", "true", itoa(40_000_000 + i*1_000_003 + d.YearDay()*1009)}})
		}
		return nil
	})
	sortBy(out, func(e event) time.Time { return e.at })
	return out
}

var restoreColumns = columns("id resource_arn purpose result verified performed_by minutes finished_at")

// restores are tests of every production datastore, four a year.
func (w *world) restores(month time.Time) []event {
	var out []event
	for _, a := range w.cloudAccounts() {
		if a.environment != "production" {
			continue
		}
		for i := range w.storeCount(a) {
			if a.name == "prod" && i == untestedRestore && month.Year() == 2025 && month.Month() > time.June {
				continue
			}
			if month.Month()%3 != 2 {
				continue
			}
			at := on(nextWorkday(addDays(month, i%20)), 14, i%60)
			out = put(out, month, at, fmt.Sprintf("rt-%s-%s-%03d", a.number[8:], monthText(month), i), storeARN(a, i), "test", "success", "yes", "E0010", itoa(18+i%30), instantText(at))
		}
	}
	sortBy(out, func(e event) time.Time { return e.at })
	return out
}

var trainingColumns = columns("record employee_number course topic result completed_at")

// trainings are everybody's first one and, every February, the yearly one.
func (w *world) trainings(month time.Time) []event {
	var out []event
	for i := range w.size.People {
		p := w.person(i)
		add := func(at time.Time, reason string) {
			for _, c := range [][2]string{{"Security awareness", "security"}, {"Handling personal data", "privacy"}, {"Writing safe code", "development"}} {
				if c[1] == "development" && !p.engineer() {
					continue
				}
				out = put(out, month, at, p.number+"-"+reason+"-"+c[1], p.number, c[0], c[1], "passed", instantText(at))
			}
		}
		add(p.trained, "first")
		if !p.rehired.IsZero() {
			add(on(nextWorkday(addDays(p.rehired, 7)), 15, 20), "return")
		}
		if month.Month() == time.February {
			y := month.Year()
			if at := clock(y, 2, 24-5*(y-2023)+i%5, 13, i%60); p.present(at) && (i != lateTrained || y != 2025) {
				add(at, itoa(y))
			}
		}
		if i == lateTrained {
			add(clock(2026, 1, 19, 14, 0), "2025")
		}
	}
	sortBy(out, func(e event) time.Time { return e.at })
	return out
}

// present reports whether p works at Halyard at t.
func (p *person) present(t time.Time) bool {
	if t.Before(p.start) {
		return false
	}
	if !p.rehired.IsZero() && !t.Before(p.rehired) {
		return true
	}
	return p.end.IsZero() || t.Before(addDays(p.end, 1))
}

var acknowledgementColumns = columns("record employee_number document_id version signed_at")

// acknowledgements of the policies: on joining, and every February or March.
func (w *world) acknowledgements(month time.Time) []event {
	var out []event
	for i := range w.size.People {
		p := w.person(i)
		add := func(at time.Time, version, reason string) {
			for _, d := range papers[:acknowledgedPapers] {
				out = put(out, month, at, p.number+"-"+d.id+"-"+reason, p.number, d.id, version, instantText(at))
			}
		}
		if !p.acknowledged.IsZero() {
			add(p.acknowledged, versionOn(p.acknowledged), "first")
		}
		if !p.rehired.IsZero() {
			add(on(nextWorkday(addDays(p.rehired, 1)), 11, 5), paperVersion(2025), "return")
		}
		for y := 2024; y <= 2025; y++ {
			if at := clock(y, 3, 6-3*(y-2024)+i%5, 10, i%60); p.present(at) && p.start.Year() < y {
				add(at, paperVersion(y), itoa(y))
			}
		}
	}
	sortBy(out, func(e event) time.Time { return e.at })
	return out
}

var reviewColumns = columns("review system cycle reviewer completed listed decided to_remove privileged_in_scope")

// accessReviews are one a quarter and system, in the quarter's last month.
func (w *world) accessReviews(month time.Time) []event {
	var out []event
	for i, system := range w.systemNames() {
		for _, q := range []time.Time{day(2024, 3, 1), day(2024, 6, 1), day(2024, 9, 1), day(2024, 12, 1), day(2025, 3, 1), day(2025, 6, 1), day(2025, 9, 1), day(2025, 12, 1)} {
			at := on(nextWorkday(addDays(q, 9+2*i)), 15, 5*i)
			cycle := fmt.Sprintf("%d-Q%d", q.Year(), int(q.Month())/3)
			if cycle == "2025-Q2" {
				at = clock(2025, 7, 21, 16, 20) // all signed off together, due by 15 July
			}
			remove := ""
			if system == "aws" && cycle == "2025-Q1" {
				at, remove = clock(2025, 3, 17, 14, 0), w.handleARN(removedAccount)
			}
			if system == "aws" && cycle == "2025-Q3" {
				at, remove = clock(2025, 9, 15, 14, 0), w.handleARN(keptAccount)
			}
			listed := itoa(40 + 3*i)
			out = put(out, month, at, system+"-"+cycle, system, cycle, []string{"E0003", "E0002", "E0002", "E0006", "E0005"}[i%5], instantText(at), listed, listed, remove, "yes")
		}
	}
	sortBy(out, func(e event) time.Time { return e.at })
	return out
}

func (w *world) handleARN(i int) string { p := w.person(i); return awsARN(p.handle) }

var revisionColumns = columns("id kind subject by approved_by outcome actions document finished_at")

// A routine is something done on schedule: in each of its months, on a day.
type routine struct {
	kind, subject, by string
	months            []int
	day               int
}

var routines = []routine{
	{"risk assessment", "", "E0003", []int{10}, 14}, {"board meeting", "", "E0001", []int{3, 6, 9, 12}, 11},
	{"management review", "", "E0001", []int{2, 5, 8, 11}, 18}, {"firewall review", "production network", "E0010", []int{4, 10}, 22},
	{"penetration test", "Ledger platform", "V-112", []int{5}, 19}, {"recovery test", "Ledger platform", "E0002", []int{9}, 23},
	{"incident exercise", "", "E0003", []int{11}, 5}, {"policy review", "", "E0003", []int{1}, 21}, {"internal audit", "", "E0004", []int{8}, 13},
	{"privacy review", "", "E0003", []int{6}, 17}, {"badge review", "office", "E0004", []int{3, 9}, 25},
	{"capacity review", "Ledger platform", "E0010", []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 20},
	{"service level report", "Ledger platform", "E0006", []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 26},
}

// revisions are the month's routines, the weekly scan and the daily
// reconciliation.
func (w *world) revisions(month time.Time) []event {
	var out []event
	add := func(at time.Time, kind, subject, by string) {
		out = put(out, month, at, strings.ReplaceAll(kind+" "+subject, " ", "-")+"-"+dateText(at), kind, subject, by, "E0001", "done, notes kept", "1", documentOf(kind, at), instantText(at))
	}
	for _, r := range routines {
		for _, m := range r.months {
			if m != int(month.Month()) || missedRoutine(r.kind, month) {
				continue
			}
			add(on(nextWorkday(day(month.Year(), m, r.day)), 15, 0), r.kind, r.subject, r.by)
		}
	}
	_ = eachDay(month, month.AddDate(0, 1, 0), func(d time.Time) error { // the callback never fails
		if d.Weekday() == time.Thursday && !d.Equal(lateScan[0]) || d.Equal(lateScan[1]) {
			add(on(d, 4, 30), "vulnerability scan", "all repositories and hosts", "lookout")
		}
		add(on(d, 5, 10), "reconciliation", "Ledger platform", "matcher")
		return nil
	})
	add(lateCapacity, "capacity review", "Ledger platform", "E0010")
	for i, name := range vendorNames {
		if at := on(nextWorkday(day(month.Year(), 1+i%8, 5)), 15, 30); i != lateVendor {
			add(at.Add(time.Duration(i)*time.Second), "vendor review", name, "E0005")
		}
	}
	sortBy(out, func(e event) time.Time { return e.at })
	return out
}

// lateScan is the weekly scan that did not run, and the day it was made up for.
var lateScan = [2]time.Time{day(2025, 8, 21), day(2025, 8, 27)}

// lateCapacity is when July's capacity was looked at.
var lateCapacity = clock(2025, 8, 14, 11, 0)

// missedRoutine: the board did not meet in the third quarter, and nobody
// looked at capacity in July.
func missedRoutine(kind string, month time.Time) bool {
	return kind == "board meeting" && month.Equal(day(2025, 9, 1)) || kind == "capacity review" && month.Equal(day(2025, 7, 1))
}

// documentOf names the paper a routine leaves behind.
func documentOf(kind string, at time.Time) string {
	switch kind {
	case "vulnerability scan", "reconciliation", "vendor review":
		return ""
	}
	return strings.ReplaceAll(kind, " ", "-") + "-" + monthText(at)
}
