package resolve

import "slices"

// Complaining returns the target with Log in place of every action but Allow: what a program is kept from is seen, and
// done. So is what its tests want.
func (t *Target) Complaining() *Target {
	c := &Target{Foreign: complaining(t.Foreign), Kernel: t.Kernel, Tests: slices.Clone(t.Tests)}
	for _, f := range t.Filters {
		g := *f
		g.Default, g.Unknown, g.Rules = complaining(f.Default), complaining(f.Unknown), slices.Clone(f.Rules)
		for i := range g.Rules {
			g.Rules[i].Action = complaining(g.Rules[i].Action)
		}
		c.Filters = append(c.Filters, &g)
	}
	for i := range c.Tests {
		c.Tests[i].Want = complaining(c.Tests[i].Want)
	}
	return c
}

func complaining(a Action) Action {
	if a == Allow {
		return Allow
	}
	return Log
}
