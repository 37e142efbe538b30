package web

import "slices"

// examWorkRoutes are what management does in an examination: requests,
// populations, samples, exceptions, and the exchange with the firm.
var examWorkRoutes = slices.Concat(examFirmRoutes, examCandidateRoutes, examTermRoutes, examPacketRoutes, examRequestRoutes, examPopulationRoutes, examSampleRoutes, examFindingRoutes)
