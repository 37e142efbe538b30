//go:build unix

package backups

import (
	"os/exec"
	"syscall"
)

// together makes a program and what it starts, such as ssh, end together when
// its time is up.
func together(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
