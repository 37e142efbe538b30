package procedure

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// A clock is the hidden argument of clock tests. Each test it serves tells it
// the next instant at which its answer flips, whether the answer is true or
// false, so that an answer is known to stand until next. For one goroutine.
type clock struct {
	now   int64 // what within, olderThan and past compare with
	known int64 // up to when the item was seen: a deadline before it was missed
	asOf  int64 // up to when time has passed
	told  int64 // up to when that has been collected
	next  int64 // the earliest flip after now
	cal   *calendar
}

// set moves the clock to an instant that is known and forgets flips.
func (c *clock) set(now int64) {
	c.now, c.known, c.asOf, c.told, c.next = now, now, now, now, forever
}

// flips registers that an answer changes at t.
func (c *clock) flips(t int64) {
	if t > c.now && t < c.next {
		c.next = t
	}
}

// within: t lies at most l before now, or after now. Never lies nowhere.
func (c *clock) within(t int64, l length) bool {
	if t == never {
		return false
	}
	end := c.cal.add(t, l)
	c.flips(end + 1)
	return c.now <= end
}

// past: t is not after now.
func (c *clock) past(t int64) bool {
	if t == never {
		return false
	}
	c.flips(t)
	return t <= c.now
}

// noLaterThan: t is at most l after start. While t has not happened the answer
// is pending until the deadline, and unknown where the deadline has passed
// since the item was last seen.
func (c *clock) noLaterThan(t, start int64, l length) ref.Val {
	deadline := c.cal.add(start, l)
	if t != never {
		return types.Bool(t <= deadline)
	}
	if deadline == never {
		return pendingUnknown
	}
	c.flips(deadline + 1)
	switch {
	case c.known > deadline:
		return types.False
	case c.told <= deadline:
		return pendingUnknown
	}
	return unknownFor(fmt.Sprintf("it was last seen at %s, before the deadline at %s", text(c.known), text(deadline)), "it was last seen before its deadline")
}

var clockType = types.NewOpaqueType("clock")

// ConvertToNative is not defined: a clock never leaves an expression.
func (c *clock) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("a clock cannot become %v", t)
}

// ConvertToType is not defined: a clock never leaves an expression.
func (c *clock) ConvertToType(ref.Type) ref.Val { return types.NewErr("a clock has no other type") }

// Equal is identity.
func (c *clock) Equal(o ref.Val) ref.Val { return types.Bool(o == ref.Val(c)) }

// Type is the hidden clock type.
func (c *clock) Type() ref.Type { return clockType }

// Value is the clock itself.
func (c *clock) Value() any { return c }
