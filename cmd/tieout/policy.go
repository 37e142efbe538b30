package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tieout/audit"
	"tieout/definition"
	"tieout/policy"
	"tieout/report/text"
)

// Schemas of what the policy commands write as JSON.
const (
	policiesSchema  = "tieout.policies/1"
	policySchema    = "tieout.policy/1"
	newPolicySchema = "tieout.policies-written/1"
)

func (a *app) policyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: "Policies: list, show, new ones to start from, and who agreed"}
	cmd.AddCommand(a.listPoliciesCommand(), a.showPolicyCommand(), a.newPolicyCommand(), a.agreeListCommand())
	return cmd
}

func (a *app) listPoliciesCommand() *cobra.Command {
	var starters bool
	cmd := &cobra.Command{
		Use: "list", Short: "Policies of this workspace, or the ones to start from", Args: exactly(0, "no argument"),
		Long: `Lists the policies that the workspace keeps as files, in policies/ and in the
folders of its registers, with what is still to be filled in before one can be
approved. With --starters, or where there is no workspace, the ones to start
from.`,
		RunE: func(*cobra.Command, []string) error { return a.listPolicies(starters) },
	}
	cmd.Flags().BoolVar(&starters, "starters", false, "the ones to start from")
	return cmd
}

func (a *app) showPolicyCommand() *cobra.Command {
	return in(&cobra.Command{
		Use: "show ID", Short: "One policy as its readers see it", Args: exactly(1, "a policy such as security-policy"),
		Long: `Shows a policy of the workspace, else the one to start from that has the name.`,
		RunE: func(_ *cobra.Command, args []string) error { return a.showPolicy(args[0]) },
	}, "table", "json")
}

func (a *app) newPolicyCommand() *cobra.Command {
	var contact string
	var every bool
	cmd := in(&cobra.Command{
		Use: "new [ID...]", Short: "Copy policies to start from into policies/, filled from tieout.yaml",
		Long: `Copies policies to start from into the workspace's policies folder, as drafts
that nobody approved: with the organization and its system from tieout.yaml,
and the contact that --contact names. What stays in braces is to be filled in
by hand. A file that is there is never written over. Each says what the
library's controls do: change what is not so at your organization.`,
		Args: func(_ *cobra.Command, args []string) error {
			if every == (len(args) > 0) {
				return fmt.Errorf("%w: tieout policy new takes policies such as security-policy, or --all; see 'tieout policy list --starters'", audit.ErrUsage)
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.newPolicies(args, every, contact) },
	}, "table", "json")
	cmd.Flags().StringVar(&contact, "contact", "", "where people report a security problem: an address, a channel, a number")
	cmd.Flags().BoolVar(&every, "all", false, "all that are not there yet")
	return cmd
}

// policyEntry is a policy as a list shows it.
type policyEntry struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Audience    string   `json:"audience"`
	Acknowledge bool     `json:"acknowledge"`
	Owner       string   `json:"owner"`
	Status      string   `json:"status"`         // starter, draft, approved, retired; unreadable
	File        string   `json:"file,omitempty"` // from the workspace
	Open        []string `json:"open"`           // placeholders that are not filled
	Fault       string   `json:"fault,omitempty"`
	Kind        string   `json:"kind"` // policy, plan and the like
}

const (
	statusStarter    = "starter"
	statusDraft      = "draft"
	statusUnreadable = "unreadable"
)

func entryOf(p policy.Policy, status string) policyEntry {
	return policyEntry{p.ID, p.Title, p.Audience, p.Acknowledge, p.Owner, status, "", p.Open(), "", cmp.Or(p.Record.Kind, "policy")}
}

func (e policyEntry) row() row {
	agree := "no"
	if e.Acknowledge {
		agree = "yes"
	}
	why := e.Fault
	if len(e.Open) > 0 && e.Status != statusStarter {
		why = "still to be filled in: " + strings.Join(e.Open, ", ")
	}
	if e.Kind != "policy" && e.Kind != "" {
		why = strings.TrimSuffix("a "+e.Kind+"; "+why, "; ")
	}
	return row{[]string{cmp.Or(e.ID, e.File), e.Title, e.Audience, agree, e.Status, why}, e}
}

// policyWorkspace is the workspace and its folder; neither where there is none.
func (a *app) policyWorkspace() (*definition.Workspace, string, error) {
	dir, err := a.workspace()
	if err != nil {
		return nil, "", err
	}
	w, err := definition.Load(dir)
	return w, dir, err
}

func (a *app) listPolicies(starters bool) error {
	w, dir, err := a.policyWorkspace()
	if errors.Is(err, audit.ErrNotFound) && a.dir == "" {
		starters = true
	} else if err != nil {
		return err
	}
	entries, summary, err := starterEntries()
	if err == nil && !starters {
		entries, summary, err = fileEntries(w, dir)
	}
	if err != nil {
		return err
	}
	l := listing{schema: policiesSchema, summary: summary, columns: []text.Column{
		{Head: "policy"}, {Head: "title", Flex: true}, {Head: "audience"}, {Head: "agreed to"}, {Head: "status"}, {Head: "why", Flex: true},
	}}
	unreadable := 0
	for _, e := range entries {
		l.rows = append(l.rows, e.row())
		if e.Status == statusUnreadable {
			unreadable++
		}
	}
	if err := a.show(l); err != nil || unreadable == 0 {
		return err
	}
	return findings{exitFailed, count(unreadable, "file", "files") + " in policies cannot be read; mend what the list says of them"}
}

func starterEntries() ([]policyEntry, string, error) {
	list, err := policy.Starters()
	if err != nil {
		return nil, "", err
	}
	plans, err := policy.Plans()
	if err != nil {
		return nil, "", err
	}
	var out []policyEntry
	for _, p := range append(list, plans...) {
		out = append(out, entryOf(p, statusStarter))
	}
	return out, fmt.Sprintf("%s and %s to start from. Next: tieout policy new ID", count(len(list), "policy", "policies"), count(len(plans), "plan", "plans")), nil
}

func fileEntries(w *definition.Workspace, dir string) ([]policyEntry, string, error) {
	files, err := w.PolicyFiles(dir)
	if err != nil {
		return nil, "", err
	}
	out := make([]policyEntry, len(files))
	open := 0
	for i, f := range files {
		if f.Err != nil {
			out[i] = policyEntry{Status: statusUnreadable, File: f.Path, Open: []string{}, Fault: f.Err.Error()}
			continue
		}
		out[i] = entryOf(f.Policy, cmp.Or(f.Policy.Record.Status, statusDraft))
		if out[i].File = f.Path; len(out[i].Open) > 0 {
			open++
		}
	}
	summary := count(len(files), "policy", "policies") + " in files."
	switch {
	case len(files) == 0:
		summary = "No policy is kept as a file here. Next: tieout policy list --starters"
	case open > 0:
		summary += fmt.Sprintf(" %s something to be filled in before approval.", count(open, "has", "have"))
	}
	return out, summary, nil
}

// findPolicy returns the workspace's policy of that id, else the library's.
func (a *app) findPolicy(id string) (policy.Policy, string, error) {
	w, dir, err := a.policyWorkspace()
	if err == nil {
		files, err := w.PolicyFiles(dir)
		if err != nil {
			return policy.Policy{}, "", err
		}
		for _, f := range files {
			switch {
			case f.Err == nil && f.Policy.ID == id:
				return f.Policy, cmp.Or(f.Policy.Record.Status, statusDraft), nil
			case f.Err != nil && strings.HasSuffix("/"+f.Path, "/"+id+".md"):
				return policy.Policy{}, "", f.Err
			}
		}
	} else if !errors.Is(err, audit.ErrNotFound) || a.dir != "" {
		return policy.Policy{}, "", err
	}
	list, err := policy.Starters()
	if err != nil {
		return policy.Policy{}, "", err
	}
	plans, err := policy.Plans()
	if err != nil {
		return policy.Policy{}, "", err
	}
	if list = append(list, plans...); slices.ContainsFunc(list, func(p policy.Policy) bool { return p.ID == id }) {
		return list[slices.IndexFunc(list, func(p policy.Policy) bool { return p.ID == id })], statusStarter, nil
	}
	return policy.Policy{}, "", fmt.Errorf("%w: policy %q; see 'tieout policy list' and 'tieout policy list --starters'", audit.ErrNotFound, id)
}

func (a *app) showPolicy(id string) error {
	p, status, err := a.findPolicy(id)
	if err != nil {
		return err
	}
	sentence := policySentence(p, status)
	if a.output == "json" {
		return a.writeJSON(policySchema, sentence, "policy", p)
	}
	fmt.Fprintln(a.env.Stdout, policy.Text(p.Body))
	a.say(sentence)
	return nil
}

// policySentence says where a policy stands, who reads it and what is open.
func policySentence(p policy.Policy, status string) string {
	readers := "everyone"
	if p.Audience != "all" {
		readers = p.Audience
	}
	s := fmt.Sprintf("%s (%s), for %s", p.Title, status, readers)
	if p.Acknowledge {
		s += ", who agree to it"
	}
	s += fmt.Sprintf("; reviewed every %s", p.Review)
	if p.Owner != "" && p.Owner != "none" {
		s += fmt.Sprintf(" by the %s", p.Owner)
	}
	if len(p.Controls) > 0 {
		s += ". It speaks of " + strings.Join(p.Controls, ", ")
	}
	if open := p.Open(); len(open) > 0 {
		s += ". Still to be filled in: " + strings.Join(open, ", ")
	}
	return s + "."
}

func (a *app) newPolicies(ids []string, every bool, contact string) error {
	w, dir, err := a.policyWorkspace()
	if err != nil {
		return err
	}
	if every {
		if ids, err = missingStarters(w, dir); err != nil {
			return err
		}
	}
	var names, open []string
	for _, id := range ids {
		name, left, err := w.NewPolicy(dir, id, contact)
		if errors.Is(err, audit.ErrNotFound) {
			return fmt.Errorf("%w; see 'tieout policy list --starters'", err)
		}
		if err != nil {
			return err
		}
		a.note("wrote %s", name)
		names, open = append(names, name), append(open, left...)
	}
	slices.Sort(open)
	return a.tell(newPolicySchema, written(names, slices.Compact(open)), map[string]any{"files": append([]string{}, names...), "open": append([]string{}, slices.Compact(open)...)})
}

// missingStarters are the ids of the starters that no file of the workspace has.
func missingStarters(w *definition.Workspace, dir string) ([]string, error) {
	files, err := w.PolicyFiles(dir)
	if err != nil {
		return nil, err
	}
	list, err := policy.Starters()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, p := range list {
		if !slices.ContainsFunc(files, func(f definition.PolicyFile) bool { return strings.HasSuffix("/"+f.Path, "/"+p.ID+".md") }) {
			out = append(out, p.ID)
		}
	}
	return out, nil
}

func written(names, open []string) string {
	if len(names) == 0 {
		return "Every policy to start from is there already; nothing was written."
	}
	s := "Wrote " + names[0] + ", a draft that nobody approved."
	if len(names) > 1 {
		s = fmt.Sprintf("Wrote %s into policies/, drafts that nobody approved.", count(len(names), "policy", "policies"))
	}
	if len(open) > 0 {
		s += " Still to be filled in: " + strings.Join(open, ", ") + "."
	}
	return s + " Next: read, change what is not so here, have it approved."
}
