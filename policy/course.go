package policy

import (
	"fmt"
	"slices"
	"strings"

	"tieout/library"
)

// A Course is a training as its file says it: a text to read, and questions.
type Course struct {
	ID        string     `json:"id"` // the file's name without ending
	Title     string     `json:"title"`
	Topic     string     `json:"topic"`    // one of Topics, as in the items of trainings
	Minutes   int        `json:"minutes"`  // to read it and answer
	Audience  string     `json:"audience"` // as of a Policy
	Summary   string     `json:"summary"`
	Questions []Question `json:"questions"`
	Body      string     `json:"body"` // Markdown below the front matter
}

// A Question is one question of a course.
type Question struct {
	Ask     string   `json:"ask"`
	Options []Option `json:"options"` // in the order they are shown
}

// An Option is one answer that can be chosen.
type Option struct {
	Text  string `json:"text"`
	Right bool   `json:"right"`
	Why   string `json:"why"` // why it is right, or wrong
}

// Topics are what a course can be about.
var Topics = []string{"security", "development", "incident", "privacy"}

// Bounds of what a course may hold.
const (
	maxMinutes   = 120
	maxQuestions = 50
	maxOptions   = 8
)

type courseFront struct {
	ID        string
	Title     string
	Topic     string
	Minutes   int
	Audience  string
	Summary   string
	Questions []Question
}

// ParseCourse reads a course from the bytes of its file, as Parse does.
func ParseCourse(name string, data []byte) (Course, error) {
	f, err := open(name, data)
	if err != nil {
		return Course{}, err
	}
	front := courseFront{Audience: everyone}
	if !f.decode(&front) {
		return Course{}, f.err()
	}
	c := Course{
		ID: f.id, Title: front.Title, Topic: front.Topic, Minutes: front.Minutes, Audience: front.Audience,
		Summary: strings.TrimSpace(front.Summary), Questions: front.Questions, Body: f.body,
	}
	f.named(front.ID)
	f.checkCourse(c)
	f.readable()
	return c, f.err()
}

func (f *file) checkCourse(c Course) {
	f.oneLine(c.Title, 200, true, "title")
	f.oneLine(c.Summary, 400, false, "summary")
	f.audience(c.Audience)
	if !slices.Contains(Topics, c.Topic) {
		f.bad(f.at("topic"), "topic: %q is not one of %s", c.Topic, strings.Join(Topics, ", "))
	}
	if c.Minutes < 1 || c.Minutes > maxMinutes {
		f.bad(f.at("minutes"), "minutes: want 1 to %d", maxMinutes)
	}
	if len(c.Questions) == 0 || len(c.Questions) > maxQuestions {
		f.bad(f.at("questions"), "questions: want 1 to %d", maxQuestions)
	}
	for i, q := range c.Questions {
		f.question(i, q)
	}
}

func (f *file) question(i int, q Question) {
	f.oneLine(q.Ask, 600, true, "questions", i, "ask")
	if len(q.Options) < 2 || len(q.Options) > maxOptions {
		f.bad(f.at("questions", i, "options"), "options: want 2 to %d", maxOptions)
	}
	seen := map[string]bool{}
	right := 0
	for j, o := range q.Options {
		f.oneLine(o.Text, 400, true, "questions", i, "options", j, "text")
		f.oneLine(o.Why, 600, true, "questions", i, "options", j, "why")
		if seen[o.Text] {
			f.bad(f.at("questions", i, "options", j, "text"), "this option is written twice")
		}
		seen[o.Text] = true
		if o.Right {
			right++
		}
	}
	if right == 0 || right == len(q.Options) {
		f.bad(f.at("questions", i, "options"), "want at least one option that is right and one that is not")
	}
}

// Several reports whether more than one option is right, and all have to be
// chosen.
func (q Question) Several() bool {
	n := 0
	for _, o := range q.Options {
		if o.Right {
			n++
		}
	}
	return n > 1
}

// Answered reports whether chosen, indexes of Options, are exactly the right
// ones. The order does not matter; an index that is none is a wrong answer.
func (q Question) Answered(chosen []int) bool {
	picked := make([]bool, len(q.Options))
	for _, i := range chosen {
		if i < 0 || i >= len(picked) {
			return false
		}
		picked[i] = true
	}
	for i, o := range q.Options {
		if o.Right != picked[i] {
			return false
		}
	}
	return true
}

// Wrong returns the indexes of the questions not answered rightly; none when
// all are. answers[i] is what was chosen for question i; one that is not there
// is not answered.
func (c Course) Wrong(answers [][]int) []int {
	var out []int
	for i, q := range c.Questions {
		if i >= len(answers) || !q.Answered(answers[i]) {
			out = append(out, i)
		}
	}
	return out
}

// Courses returns the library's courses, by id.
func Courses() ([]Course, error) { return readAll(library.Training(), ParseCourse) }

// String names a course and what it takes: "Security awareness (12 minutes)".
func (c Course) String() string { return fmt.Sprintf("%s (%d minutes)", c.Title, c.Minutes) }
