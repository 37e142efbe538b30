// Package sample holds the mathematics of attribute sampling and the rule by
// which items are picked, so that anyone can recompute both. It knows numbers
// and ids; gates, seals and judgement belong to the examination.
//
// Letters follow audit practice: N items in the population, K deviations among
// them, n items in the sample, x deviations found, conf the confidence level.
// A limit is information for an auditor, never a conclusion.
package sample
