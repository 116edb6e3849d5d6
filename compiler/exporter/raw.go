// Package exporter writes blobs and policies in the formats of other tools.
package exporter

import (
	"fmt"
	"strings"

	"github.com/seccompc/seccompc/blob"
)

// Raw returns the only program of a blob as a bare array of struct sock_filter in its target's byte order, the form
// that bubblewrap's --seccomp, setpriv's --seccomp-filter and minijail's -S read. A blob with several programs is an
// error that lists them: the bare form has no place to tell them apart.
func Raw(b *blob.Blob) ([]byte, error) {
	if len(b.Targets) != 1 {
		var labels []string
		for _, t := range b.Targets {
			labels = append(labels, t.Label)
		}
		return nil, fmt.Errorf("the raw format holds one program, this policy has %d targets: %s", len(labels), strings.Join(labels, ", "))
	}
	return b.Targets[0].Program, nil
}
