package packet

import (
	"bytes"
	"fmt"
	"reflect"
	"testing"
	"time"

	"tieout/engagement"
	"tieout/ledger"
)

// Forge signs a packet without any of the checks of Write.
func Forge(t testing.TB, key ledger.Signer, h Header, payload []byte) []byte {
	t.Helper()
	h.Format = format
	h.Payload = Part{Size: int64(len(payload)), Digest: digestOf(payload)}
	head, err := h.encode()
	if err != nil {
		t.Fatal(err)
	}
	note, err := ledger.SignStatement(key, tag, h.statement(head))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Join([][]byte{[]byte(magic), length(note), note, length(head), head, payload}, nil)
}

// CheckKind refuses a kind without a payload whose values read back.
func CheckKind(kind engagement.Kind) error {
	typ := types[kind]
	if typ == nil {
		return fmt.Errorf("no payload")
	}
	full := reflect.New(typ).Elem()
	fillValue(full, 0)
	for _, v := range []reflect.Value{reflect.Zero(typ), full} {
		if _, err := encodePayload(kind, v.Interface()); err != nil {
			return err
		}
	}
	return nil
}

// fillValue sets every field that can be set to something that is not zero.
func fillValue(v reflect.Value, depth int) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(time.Date(2026, 3, 2, 9, 0, 0, 1000, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Int8:
		v.SetInt(1)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fillValue(v.Field(i), depth+1)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		if depth < 8 {
			fillValue(v.Index(0), depth+1)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fillValue(k, depth+1)
		fillValue(e, depth+1)
		v.SetMapIndex(k, e)
	}
}
