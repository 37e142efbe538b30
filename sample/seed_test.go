package sample

// seedOfBase was computed outside Go from the rule in the docs of Seed.
const seedOfBase = "335cd294968c9bcd74cb7a9257cad2dc906169051eee287eecdaa372c6f6fbf1"
