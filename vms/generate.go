package main

//go:generate go run gen.go
//go:generate go run ../cmd/seccompc compile testdata/numbers.yaml
//go:generate go run ../cmd/seccompc compile testdata/words.yaml
//go:generate go run ../cmd/seccompc compile testdata/actions.yaml
//go:generate go run ../cmd/seccompc compile testdata/notify.yaml
