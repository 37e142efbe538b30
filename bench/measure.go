package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// A cost is what something took. On a busy machine the wall clock measures the
// others, so comparisons are made in CPU time.
type cost struct {
	cpu, wall time.Duration
}

func (c cost) String() string {
	return fmt.Sprintf("%s CPU, %s", short(c.cpu), short(c.wall))
}

func short(d time.Duration) string {
	switch {
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < time.Millisecond:
		return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond))
	case d < time.Second:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// measure runs f and says what it took in this process, collections of
// garbage that f causes included.
func measure(f func() error) (cost, error) {
	runtime.GC()
	wall, cpu := time.Now(), cpuTime(syscall.RUSAGE_SELF)
	err := f()
	return cost{cpuTime(syscall.RUSAGE_SELF) - cpu, time.Since(wall)}, err
}

// median runs f n times and returns the run in the middle by CPU time.
func median(n int, f func() error) (cost, error) {
	var all []cost
	for range n {
		c, err := measure(f)
		if err != nil {
			return cost{}, err
		}
		all = append(all, c)
	}
	return middle(all), nil
}

func middle(all []cost) cost {
	slices.SortFunc(all, func(a, b cost) int { return int(a.cpu - b.cpu) })
	return all[len(all)/2]
}

func cpuTime(who int) time.Duration {
	u := usage(who)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func usage(who int) syscall.Rusage {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		panic(err)
	}
	return u
}

// peak is the most memory a process held, in bytes.
func peak(u *syscall.Rusage) int64 {
	if runtime.GOOS == "darwin" {
		return u.Maxrss
	}
	return u.Maxrss << 10
}

// processCPU is the CPU time another process of this machine has used, from
// Linux's /proc; ok is false where that cannot be read.
func processCPU(pid int) (d time.Duration, ok bool) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	end := slices.Index(b, ')') // the name may hold spaces
	for i := end; i < len(b); i++ {
		if b[i] == ')' {
			end = i
		}
	}
	var state string
	var n [10]int64
	var user, system int64
	_, err = fmt.Sscan(string(b[end+1:]), &state, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &n[7], &n[8], &n[9], &user, &system)
	return time.Duration(user+system) * 10 * time.Millisecond, err == nil // USER_HZ is 100
}

func mib(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
