package main

//go:generate go run gen.go
//go:generate go run ../cmd/seccompc compile testdata/numbers.yaml testdata/words.yaml testdata/actions.yaml testdata/notify.yaml
