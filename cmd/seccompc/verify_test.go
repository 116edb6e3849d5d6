package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/seccompc/seccompc/blob"
)

// TestVerifyEntries: what an entry says beside its program, which loaders believe, is no less than a decision.
func TestVerifyEntries(t *testing.T) {
	data, err := os.ReadFile("../../policies/toaster.seccomp")
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile("../../policies/toaster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "toaster.yaml"), src, 0o666); err != nil {
		t.Fatal(err)
	}
	for what, tt := range map[string]struct {
		state string
		edit  func(*blob.Blob)
	}{
		"nothing":              {identical, func(*blob.Blob) {}},
		"name":                 {stale, func(b *blob.Blob) { b.Name = "other" }},
		"table's kernel":       {stale, func(b *blob.Blob) { b.Newest++ }},
		"source":               {stale, func(b *blob.Blob) { b.Inputs.Source[3]++ }},
		"least kernel":         {differs, func(b *blob.Blob) { b.Kernel++ }},
		"installed":            {differs, func(b *blob.Blob) { b.Install = blob.Self }},
		"calls let through":    {differs, func(b *blob.Blob) { b.Targets[0].Allows ^= blob.AllowsPrctl }},
		"execve":               {differs, func(b *blob.Blob) { b.Targets[1].Allows ^= blob.AllowsExecve }},
		"ABI not served":       {differs, func(b *blob.Blob) { b.Targets[0].ABIs = b.Targets[0].ABIs[:1] }},
		"native ABI":           {differs, func(b *blob.Blob) { b.Targets[0].ABIs[0].Audit = 1 }},
		"label":                {unusable, func(b *blob.Blob) { b.Targets[0].Label = "vax" }},
		"a target less":        {stale, func(b *blob.Blob) { b.Targets = b.Targets[:1]; b.Lines = nil; b.Targets[0].Lines = [3]int{} }},
		"programs' other word": {differs, func(b *blob.Blob) { p := b.Targets[0].Program; p[len(p)-4] ^= 1 }},
	} {
		b, err := blob.Decode(append([]byte{}, data...))
		if err != nil {
			t.Fatal(err)
		}
		tt.edit(b)
		edited, err := blob.Encode(b)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		v := &verdict{Blob: filepath.Join(dir, "toaster.seccomp")}
		if err := os.WriteFile(v.Blob, edited, 0o666); err != nil {
			t.Fatal(err)
		}
		if v.reach(false); v.State != tt.state {
			t.Errorf("%s: %s (%s), want %s", what, v.State, v.Why, tt.state)
		}
	}
}
