package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of processor times in /proc: USER_HZ, which is 100 on all Linux.
const tick = 10 * time.Millisecond

// stat is what follows the name in a process's stat: "state parent …"; nil if there
// is no such process.
func stat(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
}

// cpuOf is the user and system time that a process has used, with that of its
// children that have ended if waited.
func cpuOf(pid int, waited bool) (used time.Duration) {
	fields := stat(pid)
	if len(fields) < 15 {
		return 0
	}
	times := fields[11:13]
	if waited {
		times = fields[11:15]
	}
	for _, t := range times {
		n, _ := strconv.Atoi(t) // they are numbers
		used += time.Duration(n) * tick
	}
	return used
}

func childrenOf(parent int) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is right
	for _, file := range stats {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file))) // a number
		if fields := stat(pid); len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			pids = append(pids, pid)
		}
	}
	return pids
}
