package definition

// readProcedure notes a library procedure's file under its id.
func (c *Catalog) readProcedure(name string, data []byte, p *Problems) {
	var head struct{ ID string }
	d := open(name, data, p)
	if d == nil {
		return
	}
	if n := child(d.root, "id"); n != nil {
		head.ID = n.Value
	}
	c.Sources[head.ID] = File{name, digest(data), data}
}
