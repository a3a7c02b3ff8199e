//go:build linux || darwin || freebsd

package main

import (
	"syscall"

	"tributary/feed"
)

// diskOf is the room where a folder is; nil if that cannot be told.
func diskOf(folder string) *feed.Disk {
	var s syscall.Statfs_t
	if syscall.Statfs(folder, &s) != nil {
		return nil
	}
	size := uint64(s.Bsize)                                                          //nolint:gosec,unconvert // never negative; the type differs by system
	return &feed.Disk{Free: uint64(s.Bavail) * size, Total: uint64(s.Blocks) * size} //nolint:gosec,unconvert // likewise
}
