package demo

import "strconv"

// First and last names are paired by index so that the first 7,747 pairs are
// all different (61 and 127 share no factor); later ones carry a number.
var firstNames = [61]string{
	"Mara", "Odell", "Tovi", "Runa", "Caspian", "Ilse", "Bram", "Nerys", "Joss", "Amias", "Petra", "Lorcan", "Veda", "Emeric", "Sunniva",
	"Doran", "Keziah", "Halden", "Orla", "Tamsin", "Ravi", "Ysolde", "Corin", "Anouk", "Felix", "Maren", "Idris", "Solveig", "Teo", "Wren",
	"Alaric", "Bettina", "Cyrus", "Delphine", "Ewan", "Farida", "Gideon", "Hanne", "Ines", "Jarek", "Katya", "Leif", "Moira", "Nils", "Oona",
	"Piers", "Quinn", "Rosalind", "Stellan", "Thea", "Ulric", "Vesna", "Willa", "Xenia", "Yannick", "Zelda", "Arlo", "Bronwen", "Cato", "Dilys", "Eino",
}

var lastNames = [127]string{
	"Ashdown", "Barrowby", "Calderon", "Dunmere", "Ellery", "Farrowdale", "Greaves", "Hallam", "Iverson", "Jessop", "Kestrel", "Lindqvist",
	"Marlowe", "Northcote", "Oakes", "Penhallow", "Quill", "Ravensworth", "Sedgwick", "Thornbury", "Underhill", "Vance", "Winterbourne", "Yarrow",
	"Zeller", "Abernethy", "Brightwell", "Colby", "Drummond", "Eastlake", "Fenwick", "Garroway", "Hartwell", "Inchbald", "Jorgensen", "Keeling",
	"Lockhart", "Merriweather", "Nightingale", "Osgood", "Pemberton", "Quarles", "Rookwood", "Stanhope", "Tolliver", "Upjohn", "Voss", "Wetherby",
	"Yates", "Zimmer", "Aldous", "Bellweather", "Coverdale", "Deveraux", "Elmsley", "Fairbairn", "Goodchild", "Hawthorne", "Ingram", "Jardine",
	"Kingsley", "Langdale", "Mosscrop", "Nettlefold", "Orchard", "Prideaux", "Quested", "Rainsford", "Satterly", "Trelawney", "Urquhart", "Vickery",
	"Whitlock", "Yeoman", "Zouch", "Amberley", "Birdsall", "Crabtree", "Dashwood", "Eddowes", "Foxley", "Gladwell", "Hollister", "Islington",
	"Jericho", "Kettering", "Larkspur", "Maitland", "Newcombe", "Ormerod", "Partridge", "Quennell", "Redfern", "Saltmarsh", "Tidewell", "Umber",
	"Vellacott", "Wainfleet", "Yelland", "Zephaniah", "Arkwright", "Buckthorn", "Cattermole", "Darrow", "Everard", "Fernsby", "Gathercole", "Harcastle",
	"Inglewood", "Jessamy", "Kilbride", "Loxley", "Midwinter", "Netherton", "Oldacre", "Pomfret", "Quickfall", "Rosethorn", "Sallow", "Tunstall",
	"Ullswater", "Villiers", "Woolgar", "Yardley", "Aislaby", "Brackenbury", "Chancellor",
}

func fullName(i int) (first, last string) {
	first, last = firstNames[i%61], lastNames[i%127]
	if round := i / 7747; round > 0 {
		last += strconv.Itoa(round + 1)
	}
	return first, last
}
