package web

// examWorkRoutes are what management does in an examination: requests,
// populations, samples, exceptions, and the exchange with the firm.
var examWorkRoutes = []route{}
