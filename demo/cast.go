package demo

// A Member is somebody of Halyard who signs in to the demo's server.
type Member struct {
	Name, Email string
	Person      string // id of the person item; "" for who works elsewhere
	Title       string
}

// Cast are the people of Halyard who sign in, by what they do there.
type Cast struct {
	Administrator, Lead, Owner, Signer, Employee Member
	Auditor                                      Member // of the audit firm
}

// CastOf names the people of a demo of that size.
func CastOf(size Size) Cast {
	w := newWorld(size)
	of := func(i int) Member {
		p := w.person(i)
		return Member{Name: p.name, Email: p.email, Person: p.number, Title: p.title}
	}
	return Cast{
		Administrator: of(cto), Lead: of(securityLead), Owner: of(8), Signer: of(ceo), Employee: of(goodJoiner),
		Auditor: Member{Name: "Imre Castell", Email: "imre.castell@brookline.example", Title: "Brookline Assurance, service auditor"},
	}
}
