package testlang

import "testing"

func TestCases(t *testing.T) { Test(t, "testdata/*.test") }
