// Stage 8 of 8: trust is who may read an issued report, and who did.
//
// Package trust keeps that as entries of the company's log: which report is spoken
// of in public, the terms under which one is given, who asked, who was given access
// on what ground and until when, that they agreed to the terms, what they looked at
// and took, and that it was ended. It knows reports by their digest alone; what they
// say, and whether they are in force, package examination joins to it.
package trust
