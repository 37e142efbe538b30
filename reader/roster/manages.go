package roster

// Managers returns the people to whom somebody reports who works here; nil where
// no source tells who reports to whom.
func (r *Roster) Managers() map[string]bool {
	var out map[string]bool
	for _, p := range r.People {
		if p.Manager == "" || p.Unknown || p.Left(r.Now) {
			continue
		}
		if out == nil {
			out = map[string]bool{}
		}
		out[p.Manager] = true
	}
	return out
}

// PersonalData is "yes" or "no" as the personnel system says whether the
// person's work handles personal data, "" where it does not say.
func (p *Person) PersonalData() string {
	if p.history == nil {
		return ""
	}
	v := shown(p.history)
	if v == nil {
		return ""
	}
	return bodyOf(v.Body).truth("personalData")
}
