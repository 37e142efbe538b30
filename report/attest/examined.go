package attest

// Examined reports whether g belongs to Section IV. A group of a set that nobody
// examined is printed with the other information alone.
func (r *Report) Examined(g Group) bool { return r.examined(g) }
