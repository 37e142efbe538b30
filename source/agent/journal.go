package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tieout/audit"
	"tieout/internal/durable"
)

// A Journal is the folder in which a server keeps what it received:
//
//	devices/ID.json        an enrolled computer
//	devices/ID.revoked     it was taken out of use
//	reports/ID/000001.json one report and when it came
//
// Every file is written once, whole, and never changed.
type Journal struct{ Dir string }

const (
	maxFile = 2 * MaxBody // of a report's file: base64 and envelope
	small   = 64 << 10    // of the others
)

// DeviceFile is where a computer's enrollment is kept.
func (j Journal) DeviceFile(id string) string { return filepath.Join(j.Dir, "devices", id+".json") }

// RevokedFile is where it is kept that a computer was taken out of use.
func (j Journal) RevokedFile(id string) string {
	return filepath.Join(j.Dir, "devices", id+".revoked")
}

// ReportFile is where one report is kept.
func (j Journal) ReportFile(id string, sequence int64) string {
	return filepath.Join(j.Dir, "reports", id, fmt.Sprintf("%06d.json", sequence))
}

var idForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// Device returns an enrolled computer; audit.ErrNotFound where there is none.
func (j Journal) Device(id string) (Device, error) {
	if !idForm.MatchString(id) {
		return Device{}, fmt.Errorf("%w: %q is no device's id", audit.ErrInvalid, id)
	}
	b, err := durable.Read(j.DeviceFile(id), small)
	if errors.Is(err, fs.ErrNotExist) {
		return Device{}, fmt.Errorf("%w: device %s", audit.ErrNotFound, id)
	}
	if err != nil {
		return Device{}, err
	}
	d, err := ReadDevice(b)
	if err == nil && d.ID != id {
		err = fmt.Errorf("%w: the file of device %s is another's", audit.ErrAltered, id)
	}
	return d, err
}

// Revoked returns when a computer was taken out of use, nil if it was not.
func (j Journal) Revoked(id string) (*Revoked, error) {
	b, err := durable.Read(j.RevokedFile(id), small)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r, err := ReadRevoked(b)
	return &r, err
}

// Devices are the ids of all computers ever enrolled, sorted.
func (j Journal) Devices() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(j.Dir, "devices"))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if id, ok := strings.CutSuffix(e.Name(), ".json"); ok && idForm.MatchString(id) {
			out = append(out, id)
		}
	}
	return out, nil
}

// Sequences are the numbers of the reports there are of a computer, in order.
func (j Journal) Sequences(id string) ([]int64, error) {
	entries, err := os.ReadDir(filepath.Join(j.Dir, "reports", id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []int64
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".json")
		n, err := strconv.ParseInt(name, 10, 64)
		if ok && err == nil && n > 0 {
			out = append(out, n)
		}
	}
	slices.Sort(out)
	return out, nil
}

// Report reads the file of one report, whatever is in it.
func (j Journal) Report(id string, sequence int64) ([]byte, error) {
	return durable.Read(j.ReportFile(id, sequence), maxFile)
}
