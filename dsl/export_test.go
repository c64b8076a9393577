package dsl

// ContentOf is how bodies are read.
var ContentOf = contentOf
