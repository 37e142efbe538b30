// Package boundary draws what a system consists of and what flows between its
// parts: boxes in columns from left to right, and arrows that each name the
// data they carry and the control that protects it. Lay makes the picture as a
// value, the same for the same graph; SVG writes it. A picture never stands
// alone: whoever shows it shows the same facts as a table.
package boundary

// A Graph is what is drawn.
type Graph struct {
	Layers []Layer
	Nodes  []Node
	Edges  []Edge
}

// A Layer is a named group of nodes. Layers of one column stand below each
// other; columns are numbered from 0, from left to right.
type Layer struct {
	Name   string
	Column int
}

// A Node is one part.
type Node struct {
	ID    string
	Name  string
	Note  string // one line below the name
	Class string // decides how its box looks; see Classes
	Layer int    // index into Graph.Layers
}

// Classes of nodes. A node of another class looks like software.
const (
	User           = "user"    // outside, uses the system
	Outside        = "outside" // outside, serves the system
	People         = "people"
	Procedures     = "procedures"
	Software       = "software"
	Infrastructure = "infrastructure"
	Data           = "data"
)

// An Edge is data that flows from one node to another, by their ids.
type Edge struct {
	From, To string
	Data     string // the classes of data
	Control  string // what protects it; "" is said as such
}

// A Picture is a graph with places, in pixels from the upper left corner.
type Picture struct {
	Width, Height int
	Heads         []Text
	Boxes         []Box
	Arrows        []Arrow
	Left          []string // ids of edges' ends that no node has: nothing is drawn of them
}

// A Box is a node, or several of one layer in one box.
type Box struct {
	X, Y, W, H int
	Class      string
	Lines      []string // of the name
	Note       string
	Members    []string // ids of the nodes it stands for
}

// An Arrow leads along its points, of which the first lies on the edge of the
// box From and the last on that of the box To; every stretch is straight.
type Arrow struct {
	From, To      int // indexes into Picture.Boxes
	Points        []Point
	Data, Control Text // above and below its first stretch
	Title         string
}

// A Point is a place.
type Point struct{ X, Y int }

// A Text is one line; X is its beginning and Y its base line.
type Text struct {
	X, Y, W int
	Text    string
}
