//go:build linux && amd64

package main

import (
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Plots are SVG with a style of their own, so that they can be read on light and on dark pages.
const (
	width  = 860
	plotIn = 480 // the height of a plot of lines, axes included
	style  = `<style>
text { font: 13px system-ui, sans-serif; fill: #24292f }
.page { fill: #ffffff }
.grid { stroke: #d0d7de; stroke-width: 1 }
.title { font-size: 16px; font-weight: 600 }
.line { fill: none; stroke-width: 2 }
.dashed { stroke-dasharray: 6 5 }
.mark { stroke: #24292f; stroke-width: 2 }
.c0 { stroke: #0550ae } .f0 { fill: #0550ae }
.c1 { stroke: #bc4c00 } .f1 { fill: #bc4c00 }
.c2 { stroke: #1a7f37 } .f2 { fill: #1a7f37 }
.c3 { stroke: #8250df } .f3 { fill: #8250df }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.page { fill: #0d1117 }
.grid { stroke: #30363d }
.mark { stroke: #e6edf3 }
.c0 { stroke: #58a6ff } .f0 { fill: #58a6ff }
.c1 { stroke: #f0883e } .f1 { fill: #f0883e }
.c2 { stroke: #3fb950 } .f2 { fill: #3fb950 }
.c3 { stroke: #d2a8ff } .f3 { fill: #d2a8ff }
}
</style>
`
)

type svg struct{ strings.Builder }

func newSVG(height int, title string) *svg {
	b := &svg{}
	fmt.Fprintf(b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=%q>\n", width, height, title)
	b.WriteString(style)
	fmt.Fprintf(b, "<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n", width, height)
	b.text(16, 26, "start", "title", title)
	return b
}

func (b *svg) text(x, y float64, anchor, class, s string) {
	fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=%q class=%q>", x, y, anchor, class)
	xml.EscapeText(b, []byte(s))
	b.WriteString("</text>\n")
}

func (b *svg) line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(b, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=%q/>\n", x1, y1, x2, y2, class)
}

func (b *svg) end() []byte { return []byte(b.String() + "</svg>\n") }

// A bar has a length and may have a mark, another value of the same unit.
type bar struct {
	label       string
	value, mark float64
	colour      int
}

// bars draws horizontal bars from 0 on. The axis has its unit in its label, marks are explained by note.
func bars(title, axis, note string, list []bar) []byte {
	const left, right, top, row = 270, 60, 66, 30
	bottom := top + row*len(list)
	b := newSVG(bottom+52, title)
	b.text(16, 48, "start", "", note)
	limit := 1.0
	for _, x := range list {
		limit = max(limit, x.value, x.mark)
	}
	step := roundStep(limit / 6)
	scale := float64(width-left-right) / limit
	for v := 0.0; v <= limit; v += step {
		b.line(left+v*scale, top, left+v*scale, float64(bottom), "grid")
		b.text(left+v*scale, float64(bottom)+18, "middle", "", number(v))
	}
	b.text(left+float64(width-left-right)/2, float64(bottom)+40, "middle", "", axis)
	for i, x := range list {
		y := float64(top + row*i)
		b.text(left-10, y+20, "end", "", x.label)
		fmt.Fprintf(b, "<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" class=\"f%d\"/>\n", left, y+6, x.value*scale, row-12, x.colour)
		at := x.value
		if x.mark > 0 {
			b.line(left+x.mark*scale, y+3, left+x.mark*scale, y+row-3, "mark")
			at = max(at, x.mark)
		}
		b.text(left+at*scale+6, y+20, "start", "", number(x.value))
	}
	return b.end()
}

// A series is a line with its points.
type series struct {
	name   string
	x, y   []float64
	colour int
	dashed bool
}

// lines draws series over a linear x axis from 0 and a linear y axis from 0.
func lines(title, xAxis, yAxis string, list []series) []byte {
	const left, right, top, bottom = 70, 20, 112, plotIn - 54
	b := newSVG(plotIn, title)
	xLimit, yLimit := 1.0, 1.0
	for _, s := range list {
		for i := range s.x {
			xLimit, yLimit = max(xLimit, s.x[i]), max(yLimit, s.y[i])
		}
	}
	px := func(x float64) float64 { return left + x/xLimit*(width-left-right) }
	py := func(y float64) float64 { return bottom - y/yLimit*(bottom-top) }
	for v, step := 0.0, roundStep(yLimit/6); v <= yLimit; v += step {
		b.line(left, py(v), width-right, py(v), "grid")
		b.text(left-8, py(v)+4, "end", "", number(v))
	}
	for v, step := 0.0, roundStep(xLimit/8); v <= xLimit; v += step {
		b.line(px(v), bottom, px(v), bottom+5, "grid")
		b.text(px(v), bottom+20, "middle", "", number(v))
	}
	b.text((left+width-right)/2, plotIn-12, "middle", "", xAxis)
	b.text(16, top-12, "start", "", yAxis)
	for i, s := range list {
		class := fmt.Sprintf("line c%d", s.colour)
		if s.dashed {
			class += " dashed"
		}
		x, y := 16+float64(i%2)*(width-32)/2, 46+float64(i/2)*20
		b.line(x, y, x+30, y, class)
		b.text(x+38, y+4, "start", "", s.name)
		var points []string
		for i := range s.x {
			points = append(points, fmt.Sprintf("%.1f,%.1f", px(s.x[i]), py(s.y[i])))
			fmt.Fprintf(b, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" class=\"f%d\"/>\n", px(s.x[i]), py(s.y[i]), s.colour)
		}
		fmt.Fprintf(b, "<polyline points=%q class=%q/>\n", strings.Join(points, " "), class)
	}
	return b.end()
}

// roundStep is the least of 1, 2 and 5 times a power of ten that is not below x, which is above 0.
func roundStep(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if m*power >= x {
			return m * power
		}
	}
	return 10 * power
}

// number writes a value with three digits at least, and no more than that after the point.
func number(v float64) string {
	digits := 0
	for limit := 100.0; digits < 3 && v != 0 && math.Abs(v) < limit; limit /= 10 {
		digits++
	}
	s := strconv.FormatFloat(v, 'f', digits, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
