package compiler

import (
	"fmt"
	"slices"
	"strings"
)

// A draft is a policy to be written.
type draft struct {
	comment      string
	name         string
	reviewed     string
	targets      []string
	standard     string // the default
	unknown      string
	foreign      string
	install      string
	flags        []string
	fallbacks    []string
	capabilities []string
	rules        []*written
	accept       []string // codes
	reason       string   // to accept them
}

const lineWidth = 110

// text writes the policy, in YAML that a person would write.
func (d *draft) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\nseccompc: 1\n", d.comment)
	key := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	key("name", quoted(d.name))
	if d.reviewed != "" {
		key("reviewed", `"`+d.reviewed+`"`)
	}
	if len(d.targets) > 0 {
		b.WriteString("targets:\n")
		for _, t := range d.targets {
			fmt.Fprintf(&b, "  - %s\n", t)
		}
	}
	key("default", d.standard)
	key("unknown", d.unknown)
	key("foreign", d.foreign)
	key("install", d.install)
	if len(d.flags) > 0 {
		key("flags", "["+strings.Join(d.flags, ", ")+"]")
	}
	if len(d.fallbacks) > 0 {
		fmt.Fprintf(&b, "fallbacks:\n  %s\n", strings.Join(d.fallbacks, "\n  "))
	}
	if len(d.capabilities) > 0 {
		key("capabilities", "["+strings.Join(d.capabilities, ", ")+"]")
	}
	if len(d.rules) > 0 {
		b.WriteString("\nrules:\n")
	}
	for _, r := range d.rules {
		r.write(&b)
	}
	if len(d.accept) > 0 {
		b.WriteString("\naccept:\n")
		for _, code := range d.accept {
			fmt.Fprintf(&b, "  %s: %s\n", code, d.reason)
		}
	}
	return b.String()
}

func (r *written) write(b *strings.Builder) {
	var words []string
	for _, c := range r.calls {
		words = append(words, quoted(c))
	}
	list := strings.Join(words, ", ")
	if head := "  - " + r.action + ": ["; len(head)+len(list) < lineWidth {
		fmt.Fprintf(b, "%s%s]\n", head, list)
	} else {
		fmt.Fprintf(b, "%s\n      %s]\n", head, fold(list, ", "))
	}
	if r.cond != "" {
		cond := r.cond
		for _, op := range []string{" || ", " && "} {
			if len(cond) > lineWidth {
				cond = strings.ReplaceAll(cond, op, "\n       "+op)
				break
			}
		}
		if cond[0] == '!' { // which YAML takes for a tag
			cond = "'" + cond + "'"
		}
		fmt.Fprintf(b, "    if: %s\n", fold(cond, ", "))
	}
	for _, k := range []struct {
		key   string
		words []string
	}{{"abis", r.abis}, {"caps", r.caps}} {
		if len(k.words) > 0 {
			fmt.Fprintf(b, "    %s: [%s]\n", k.key, strings.Join(k.words, ", "))
		}
	}
	if r.kernel != "" {
		fmt.Fprintf(b, "    kernel: %q\n", r.kernel)
	}
}

// quoted quotes a word that YAML reads as something else.
func quoted(w string) string {
	if strings.HasPrefix(w, "@") || slices.Contains([]string{"null", "true", "false", "~"}, strings.ToLower(w)) || strings.Trim(w, "0123456789.eE+-_xo") == "" && strings.ContainsAny(w, ".-_") {
		return `"` + w + `"`
	}
	return w
}

// fold breaks lines that are too long behind a separator.
func fold(text, separator string) string {
	var b strings.Builder
	column := 0
	for i, word := range strings.SplitAfter(text, separator) {
		if nl := strings.LastIndexByte(word, '\n'); nl >= 0 {
			column = len(word) - nl
		} else if column += len(word); i > 0 && column > lineWidth-6 {
			b.WriteString("\n      ")
			column = len(word)
		}
		b.WriteString(word)
	}
	lines := strings.Split(b.String(), "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n")
}
