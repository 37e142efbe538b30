package backups

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestRun(t *testing.T) {
	t.Setenv("GOFLAGS_OF_SOMEBODY", "x")
	const secret = "hunter2hunter2"
	sh := func(script string) Command {
		return Command{Path: "/bin/sh", Args: []string{"-c", script}, Env: map[string]string{"TOOL_SECRET": secret}, Secrets: []string{secret}}
	}
	slow := sh("sleep 30")
	slow.Limit = 50 * time.Millisecond
	tests := []struct {
		name    string
		c       Command
		problem string // "": none
		stdout  string
		exit    int
	}{
		{"it prints", sh("printf '[1]'; printf warning >&2"), "", "[1]", 0},
		{"its environment", sh(`echo "$TZ ${GOFLAGS_OF_SOMEBODY:-nothing} $TOOL_SECRET"`), "", "UTC nothing " + secret + "\n", 0},
		{"it has no input", sh("cat"), "", "", 0},
		{"it fails", sh(`echo "no key $TOOL_SECRET" >&2; exit 3`), "sh ended with 3: no key ***", "", 3},
		{"it does not end", slow, "sh did not end within 50ms", "", 0},
		{"it prints too much", sh("head -c 67108865 /dev/zero"), "sh printed more than 67108864 bytes", strings.Repeat("\x00", MaxOutput), 0},
		{"it is not there", Command{Path: "no-such-backup-tool"}, "the program no-such-backup-tool is not installed where Tieout runs", "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := tt.c.Run(t.Context())
			if out.Problem != tt.problem || string(out.Stdout) != tt.stdout || out.Exit != tt.exit {
				t.Errorf("problem %q, exit %d, %d bytes; want %q, %d, %d bytes", out.Problem, out.Exit, len(out.Stdout), tt.problem, tt.exit, len(tt.stdout))
			}
		})
	}
}

// TestEnvelope: what a failed run printed is kept, secrets are not.
func TestEnvelope(t *testing.T) {
	c := Command{Path: "tool", Secrets: []string{"hunter2", ""}}
	b, err := c.Envelope(Output{Stdout: []byte("a hunter2\xff"), Stderr: []byte("b"), Exit: 1, Problem: "p"})
	var e Ended
	if err != nil || json.Unmarshal(b, &e) != nil || e != (Ended{1, "p", "a ***\uFFFD", "b"}) {
		t.Errorf("%s, %v", b, err)
	}
}

func TestOf(t *testing.T) {
	list := []Match{{Datastore: "orders", Host: "db*", Tag: "orders"}, {Datastore: "files", Path: "/srv/*"}, {Datastore: "pg", Name: "main"}}
	tests := []struct {
		name string
		b    Made
		want any
	}{
		{"both conditions", Made{Host: "db1", Tags: []string{"x", "orders"}}, "orders"},
		{"one of two", Made{Host: "db1"}, nil},
		{"a path", Made{Host: "web", Paths: []string{"/etc", "/srv/www"}}, "files"},
		{"a name", Made{Name: "main"}, "pg"},
		{"nothing told", Made{}, nil},
	}
	for _, tt := range tests {
		if got := Of(list, tt.b); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestLocation(t *testing.T) {
	for in, want := range map[string]string{"ssh://borg@vault/./r": "ssh://vault/./r", "s3:s3.amazonaws.com/b": "s3:s3.amazonaws.com/b", "rest:https://u:p@h/": "rest:https://h/"} {
		if got := Location(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
