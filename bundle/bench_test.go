package bundle

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"tieout/audit"
)

// large is a bundle of 100,000 records: 364 daily snapshots of 2,700 accounts,
// ten on a page, a few of which lose their second factor for a while.
func large(b *testing.B) []byte {
	b.Helper()
	days, order := map[int]string{}, []int{}
	for d := 1; d <= 364; d++ {
		var list strings.Builder
		for i := range 2700 {
			fmt.Fprintf(&list, "person%04d=%v ", i, i%97 != d%89)
		}
		days[d] = list.String()
		order = append(order, d)
	}
	return testedOver(b, audit.Period{Span: audit.Span{From: noon(1).Add(-12 * time.Hour), To: noon(1).AddDate(1, 0, 0)}, Zone: "UTC"}, days, order, 10).bundle()
}

func BenchmarkVerify(b *testing.B) {
	data := large(b)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if c, err := verify(b, data, Options{}); err != nil || c.Records < 99_000 {
			b.Fatal(err, c)
		}
	}
}

func BenchmarkReperform(b *testing.B) {
	data := large(b)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if r, err := reperform(b, data, drivers()); err != nil || r.Items.Of < 900_000 {
			b.Fatal(err, r)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	w := smallWorld(b)
	for d := 3; d < 103; d++ {
		w.collect(d, fmt.Sprintf("ana=%v bob=true", d%3 == 0), 1)
	}
	c := w.contents()
	var buf bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		buf.Reset()
		if _, err := Write(b.Context(), &buf, c); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(buf.Len()))
}
