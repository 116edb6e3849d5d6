package blob_test

import (
	"fmt"

	"github.com/seccompc/seccompc/blob"
)

func Example() {
	data, err := blob.Encode(&blob.Blob{
		Name:    "deny-all",
		Install: blob.Exec,
		Targets: []blob.Target{{
			Label:   "riscv64",
			ABIs:    []blob.ABI{{Audit: 0xc00000f3}},
			Order:   blob.LittleEndian,
			Program: []byte{0x06, 0, 0, 0, 1, 0, 5, 0}, // return errno(1)
		}},
	})
	if err != nil {
		panic(err)
	}
	b, err := blob.Decode(data)
	if err != nil {
		panic(err)
	}
	t := b.For(blob.ABI{Audit: 0xc00000f3}, blob.LittleEndian)
	fmt.Println(len(data), b.Name, t.Label, t.Instructions(), t.Actions == blob.ReturnsErrno)
	// Output: 184 deny-all riscv64 1 true
}
