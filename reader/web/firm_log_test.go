package web

import (
	"strings"
	"testing"

	"tieout/access"
)

// TestFirmLog: who administers a firm's people reads the log, but of an engagement
// only that something was written and when.
func TestFirmLog(t *testing.T) {
	w := newFirmWorld(t)
	w.opened()
	admin := w.visit(w.s, "ada", access.Grant{Role: access.FirmAdministrator, Scope: access.ScopeWorkspace})
	open, closed := w.partner.page("/log"), admin.page("/log")
	const words = "Belongs to an engagement you are not on"
	if strings.Contains(open, words) || !strings.Contains(open, ":EN-1") {
		t.Errorf("a partner's log:\n%s", open)
	}
	if !strings.Contains(closed, words) || strings.Contains(closed, ":EN-1") {
		t.Errorf("an administrator's log tells of an engagement:\n%s", closed)
	}
}
