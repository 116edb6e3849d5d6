// Package bench holds seccompc against its peers, whose modules only this one depends on. Nothing of theirs is copied:
// the tests read their profiles from the modules' own folders.
package bench
