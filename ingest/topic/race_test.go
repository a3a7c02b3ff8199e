//go:build race

package topic

func init() { underRace = true }
