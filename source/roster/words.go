package roster

import (
	"path"
	"slices"
	"strings"
)

// headers are the headers that are recognized, folded, for what each column of
// a table holds; the first that is there counts.
var headers = map[string]map[string][]string{
	people: {
		"id":         {"employeeid", "employeenumber", "employeeno", "empid", "empno", "personid", "personnelnumber", "workerid", "staffid", "id"},
		"name":       {"fullname", "name", "employeename", "displayname", "preferredname"},
		"firstName":  {"firstname", "givenname", "preferredfirstname"},
		"lastName":   {"lastname", "surname", "familyname"},
		"email":      {"workemail", "email", "emailaddress", "workemailaddress", "companyemail"},
		"startedAt":  {"hiredate", "startdate", "dateofhire", "employmentstartdate", "firstday", "joindate", "startedat"},
		"endedAt":    {"terminationdate", "enddate", "lastday", "lastdayofwork", "lastworkingday", "leavedate", "dateofleaving", "employmentenddate", "endedat"},
		"status":     {"status", "employmentstatus", "employeestatus", "workerstatus"},
		"manager":    {"managerid", "manageremployeeid", "supervisorid", "reportstoid", "manageremail", "supervisoremail", "manager", "managername", "reportsto", "supervisor"},
		"department": {"department", "departmentname", "team", "orgunit"},
		"title":      {"jobtitle", "title", "position", "role"},
		"kind":       {"employmenttype", "workertype", "employeetype", "engagement"},

		"backgroundCheckedAt":     {"backgroundcheckdate", "backgroundcheckcompleted", "backgroundcheck"},
		"confidentialitySignedAt": {"confidentialitysigned", "ndasigned", "ndadate", "ndasigneddate", "confidentialityagreementdate"},
		"onboardedAt":             {"onboardingcompleted", "onboardedat", "onboardingdate"},
		"offboardedAt":            {"offboardingcompleted", "offboardedat", "offboardingdate"},
		"reviewedAt":              {"lastreviewdate", "performancereviewdate", "lastperformancereview"},
		"roleChangedAt":           {"rolechangedate", "jobchangedate", "lasttransferdate"},

		"asOf": asOfHeaders,
	},
	trainings: {
		"id":     {"employeeid", "employeenumber", "employeeno", "empid", "personid", "workerid", "staffid", "learnerid"},
		"email":  {"workemail", "email", "emailaddress", "learneremail", "useremail"},
		"record": {"recordid", "completionid", "enrollmentid", "transcriptid", "certificateid"},
		"course": {"course", "coursename", "coursetitle", "training", "trainingname", "module", "title"},
		"at":     {"completiondate", "completedat", "completedon", "datecompleted", "completed", "completeddate", "finishedat"},
		"result": {"status", "result", "completionstatus", "outcome"},
		"topic":  {"topic", "category"},
		"asOf":   asOfHeaders,
	},
	checks: {
		"id":     {"employeeid", "employeenumber", "employeeno", "empid", "personid", "workerid", "staffid"},
		"email":  {"workemail", "email", "emailaddress", "candidateemail"},
		"at":     {"completiondate", "completedat", "completedon", "datecompleted", "completeddate", "completed", "reportdate", "checkdate", "backgroundcheckdate"},
		"result": {"status", "result", "outcome", "reportstatus", "adjudication"},
		"asOf":   asOfHeaders,
	},
}

var asOfHeaders = []string{"asof", "asofdate", "snapshotdate", "exportdate", "exportedat", "generatedat", "generatedon"}

// fold makes two ways of writing a header or a word the same: case, spaces,
// underscores, hyphens and dots do not count.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" _-.\t\u00a0", r) {
			return -1
		}
		return r
	}, strings.ToLower(s))
}

func folded(words map[string]string) map[string]string {
	if words == nil {
		return nil
	}
	out := make(map[string]string, len(words))
	for k, v := range words {
		out[fold(k)] = v
	}
	return out
}

// Words that lists use. One that is not here, and not in the settings, leaves
// the field out: "inactive" may be a leave or an end.
var (
	statusWords = map[string]string{
		"active": "active", "employed": "active", "current": "active", "working": "active",
		"terminated": "ended", "ended": "ended", "separated": "ended", "resigned": "ended", "former": "ended", "left": "ended", "dismissed": "ended", "retired": "ended",
		"leave": "leave", "onleave": "leave", "leaveofabsence": "leave", "loa": "leave", "parentalleave": "leave",
		"pending": "pending", "prehire": "pending", "futurehire": "pending", "notstarted": "pending", "offeraccepted": "pending",
	}
	kindWords = map[string]string{
		"employee": "employee", "fulltime": "employee", "parttime": "employee", "regular": "employee", "permanent": "employee",
		"fulltimeemployee": "employee", "parttimeemployee": "employee", "regularfulltime": "employee", "regularparttime": "employee",
		"contractor": "contractor", "consultant": "contractor", "freelancer": "contractor", "contingentworker": "contractor", "independentcontractor": "contractor",
		"intern": "intern", "internship": "intern", "trainee": "intern",
	}
	resultWords = map[string]string{
		"completed": completedWord, "complete": completedWord, "passed": completedWord, "pass": completedWord, "done": completedWord, "finished": completedWord,
		"yes": completedWord, "clear": completedWord, "cleared": completedWord, "consider": completedWord, "meetsrequirements": completedWord,
		"notcompleted": openWord, "incomplete": openWord, "failed": openWord, "inprogress": openWord, "assigned": openWord, "notstarted": openWord, "overdue": openWord,
		"enrolled": openWord, "no": openWord, "pending": openWord, "initiated": openWord, "ordered": openWord, "canceled": openWord,
		"cancelled": openWord, "waived": openWord, "suspended": openWord, "dispute": openWord,
	}
)

// How trainings and background checks end.
const (
	completedWord = "completed"
	openWord      = "not completed"
)

// absentWords say, in a column that states absence, that there is none.
var absentWords = []string{"", "na", "n/a", "none", "null", "nil", "–", "—"}

// absent reports whether a cell says that there is none. fold takes hyphens off.
func absent(text string) bool { return slices.Contains(absentWords, fold(text)) }

// word looks a word up, in the settings first; "" is unknown.
func word(text string, own, known map[string]string) string {
	k := fold(text)
	if w := own[k]; w != "" {
		return w
	}
	return known[k]
}

// topic is what a course teaches, "" where nothing says so.
func (c *config) topic(course, column string) string {
	best := ""
	for glob := range c.Topics {
		if ok, err := path.Match(strings.ToLower(glob), strings.ToLower(course)); err == nil && ok && (len(glob) > len(best) || len(glob) == len(best) && glob < best) {
			best = glob // the longest glob, then the first by letter
		}
	}
	if best != "" {
		return c.Topics[best]
	}
	if w := fold(column); slices.Contains(enum("training", "topic"), w) {
		return w
	}
	return ""
}
