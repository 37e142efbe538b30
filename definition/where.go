package definition

import (
	"go.yaml.in/yaml/v4"
)

// Where is the line of tieout.yaml on which a setting is written, by the keys and
// places that lead to it: Where("jobs", "collect"), Where("periods", 0, "first").
// 0: it is left out.
func (w *Workspace) Where(path ...any) int {
	var doc yaml.Node
	if err := yaml.Unmarshal(w.Text(configFile), &doc); err != nil || len(doc.Content) == 0 || len(path) == 0 {
		return 0 // a workspace that was read from its texts has one
	}
	n, line := doc.Content[0], 0
	for _, step := range path {
		line = keyLine(n, step)
		if n = child(n, step); n == nil {
			return 0
		}
	}
	return line
}

// keyLine is the line of a key of a mapping, or of an element of a list.
func keyLine(n *yaml.Node, step any) int {
	if key, ok := step.(string); ok && n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return n.Content[i].Line
			}
		}
		return 0
	}
	if at := child(n, step); at != nil {
		return at.Line
	}
	return 0
}
