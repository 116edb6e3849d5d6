package lint

// Calls that should rarely pass, and answers that programs don't expect.
var habits = []Check{}
