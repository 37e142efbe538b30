package strictyaml

import "testing"

func TestDecodeSaysWhere(t *testing.T) {
	type doc struct {
		ID  string `yaml:"id"`
		N   int    `yaml:"n"`
		Sub struct {
			A string `yaml:"a"`
		} `yaml:"sub"`
		List []string `yaml:"list"`
	}
	tests := []struct{ name, in, want string }{
		{"unknown key", "id: x\nsub:\n  b: 1\n", "f.yaml:3:3: field b not found in type struct { A string \"yaml:\\\"a\\\"\" }"},
		{"wrong type", "id: x\nn: many\n", "f.yaml:2:4: cannot construct !!str `many` into int"},
		{"empty", "", "f.yaml:1:1: the file is empty"},
		{"two documents", "id: x\n---\nid: y\n", "f.yaml:2:1: a second document starts here; write one document a file"},
		{"alias", "id: &a x\nlist: [*a]\n", "f.yaml:2:8: aliases (*) are not allowed; write the value out"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var d doc
			err := Decode("f.yaml", []byte(tt.in), &d)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
	var d doc
	if err := Decode("f.yaml", []byte("id: x\nlist: [1.10]\n"), &d); err != nil || d.List[0] != "1.10" {
		t.Errorf("list = %q, %v; want the text 1.10", d.List, err)
	}
	for _, in := range []string{"a: 1\na: 2\n", "id: [\n", "\t\n", "id: \xff\n"} {
		if err := Decode("f.yaml", []byte(in), &d); err == nil {
			t.Errorf("Decode(%q) gave no error", in)
		} else {
			t.Log(err)
		}
	}
}
