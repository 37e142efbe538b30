package bundle

import (
	"maps"
	"slices"
	"strings"

	"tieout/ledger"
)

// saying checks one cosignature or time stamp. A witness whose key the reader
// knows and whose signature is wrong is an error; what the reader has no key or
// root for counts for nothing.
func (v *verifier) saying(note []byte, who string, said []byte) error {
	kind, name, _ := strings.Cut(who, ":")
	switch kind {
	case "witness":
		return v.cosignature(note, name, said)
	case "tsa":
		v.timestamp(note, name, said)
		return nil
	}
	return altered("log/sayings.json", "%q is neither a witness nor a time-stamp authority", who)
}

func (v *verifier) cosignature(note []byte, name string, line []byte) error {
	i := slices.IndexFunc(v.o.Witnesses, func(k ledger.Key) bool { return k.Name() == name })
	if i < 0 {
		v.c.add(Open, "witness %s is said to have seen the checkpoint; its key was not given, so it does not count", name)
		return nil
	}
	c, err := ledger.VerifyCosignature(note, line, v.o.Witnesses[i])
	if err != nil {
		return altered("log/sayings.json", "witness %s: %v", name, err)
	}
	v.c.add(Good, "%s", c)
	v.c.Witnessed = append(v.c.Witnessed, "witness "+name+" saw on "+c.At.Format("2006-01-02"))
	return nil
}

func (v *verifier) timestamp(note []byte, name string, token []byte) {
	if len(v.o.TSA.Roots) == 0 {
		v.c.add(Open, "%s is said to have time-stamped the checkpoint; no root certificate was given, so it does not count", name)
		return
	}
	ts, err := ledger.VerifyTimestamp(token, note, v.o.TSA, v.o.Now)
	if err != nil {
		v.c.add(Open, "the time stamp of %s does not count: %v", name, err)
		return
	}
	v.c.add(Good, "%s", ts)
	v.c.Witnessed = append(v.c.Witnessed, "time-stamp authority "+ts.Authority+" stamped on "+ts.At.Format("2006-01-02"))
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func sortedInts[V any](m map[int64]V) []int64 { return slices.Sorted(maps.Keys(m)) }
