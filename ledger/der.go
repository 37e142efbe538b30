package ledger

import "errors"

// maxDepth bounds the nesting of DER that is read; real tokens have about 12.
const maxDepth = 32

var errDER = errors.New("not well-formed DER")

// checkDER accepts exactly one element with definite, shortest lengths all the
// way down through constructed elements.
func checkDER(data []byte, depth int) error {
	rest, err := derElement(data, depth)
	if err == nil && len(rest) > 0 {
		err = errDER
	}
	return err
}

// derElement reads one element and returns what follows it.
func derElement(data []byte, depth int) ([]byte, error) {
	if len(data) < 2 || depth > maxDepth || data[0]&0x1f == 0x1f {
		return nil, errDER // too short, too deep, or a long-form tag, which CMS does not use
	}
	size, head, err := derLength(data[1:])
	if err != nil || size > len(data)-1-head {
		return nil, errDER
	}
	body, rest := data[1+head:1+head+size], data[1+head+size:]
	if data[0]&0x20 == 0 {
		return rest, nil
	}
	for len(body) > 0 {
		if body, err = derElement(body, depth+1); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// derLength returns the length and how many bytes it took.
func derLength(data []byte) (size, n int, err error) {
	if data[0] < 0x80 {
		return int(data[0]), 1, nil
	}
	n = int(data[0] & 0x7f)
	if n == 0 || n > 3 || len(data) < 1+n || data[1] == 0 {
		return 0, 0, errDER
	}
	for _, b := range data[1 : 1+n] {
		size = size<<8 | int(b)
	}
	if size < 0x80 {
		return 0, 0, errDER
	}
	return size, 1 + n, nil
}
