//go:build !linux && !darwin && !windows

package workstation

var probes []Probe
