package access

import (
	"testing"
	"time"
)

func TestSecond(t *testing.T) {
	one := func(a, b string) string {
		if a == me && b == "my other account" {
			return "it was prepared by an account of the same person as yours"
		}
		return ""
	}
	for _, tt := range []struct {
		name     string
		who      Subject
		prepared []string
		want     string
	}{
		{"nobody knows who", Subject{Workspace: Company, Account: me, Eyes: one}, nil, "it is not known who prepared it"},
		{"the same account", Subject{Workspace: Company, Account: me, Eyes: one}, []string{other, me}, "you prepared it"},
		{"another account of the same person", Subject{Workspace: Company, Account: me, Eyes: one}, []string{other, "my other account"}, "it was prepared by an account of the same person as yours"},
		{"another person", Subject{Workspace: Company, Account: me, Eyes: one}, []string{other}, ""},
		{"a program", Subject{Workspace: Company, Account: me}, []string{ByProgram}, ""},
		{"another account, and nobody tells people apart", Subject{Workspace: Company, Account: me}, []string{other}, "it is not known whose the accounts of those are who prepared it"},
		{"a firm, whose people are its accounts", Subject{Workspace: Firm, Account: me}, []string{other}, ""},
	} {
		if got := tt.who.Second(tt.prepared); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestIsAccount(t *testing.T) {
	for name, want := range map[string]bool{"01900000-0000-7000-8000-000000000001": true, "ana": false, "": false, "01900000-0000-7000-8000-00000000000g": false,
		"01900000-0000-7000-8000-00000000000A": false, "019000000000-7000-8000-0000-000000001": false} {
		if got := IsAccount(name); got != want {
			t.Errorf("IsAccount(%q) = %v", name, got)
		}
	}
	id, err := newID(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	if err != nil || !IsAccount(id) {
		t.Errorf("a new account's ID %q, %v", id, err)
	}
}
