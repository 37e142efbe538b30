// Command tieout runs a SOC 2 from the systems a company uses to the signed
// report, where every statement ties out to sealed evidence.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// version is set by the linker: a tag or a commit.
var version = "unversioned"

// heapFloor is never touched, so it takes no memory; it lets the collector of
// garbage wait until there is some. Collecting reads megabytes at a time into a
// heap that is otherwise small.
var heapFloor = make([]byte, 64<<20)

func main() {
	defer runtime.KeepAlive(heapFloor)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := Run(ctx, Environment{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.Getenv, Now: time.Now, Getwd: os.Getwd,
	})
	stop()
	os.Exit(code)
}

// An Environment is all that a command sees of the machine it runs on.
type Environment struct {
	Args   []string
	Stdin  io.Reader
	Stdout io.Writer // results
	Stderr io.Writer // progress, notes, errors
	Getenv func(string) string
	Getwd  func() (string, error)
	Now    func() time.Time
}

// Run runs one command and returns its exit code (see exitCode).
func Run(ctx context.Context, env Environment) int {
	app := &app{env: env}
	root := app.root()
	root.SetArgs(env.Args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	for _, line := range complaints(err) {
		fmt.Fprintln(env.Stderr, line)
	}
	return exitCode(ctx, err)
}
