// Package management is the client's side of an examination, kept as entries of
// the client's own log (package book): the firm it invited, terms, requests and
// answers, frozen populations, responses, the description, assertion,
// representation letter, comments on the draft, the report as it was issued, and
// bridge letters.
//
// It knows of the auditor's work only what packets brought after their release,
// because nothing else is ever sent. It writes no opinion and no conclusion, and
// no decision of an assertion is made for the person who signs it.
package management
