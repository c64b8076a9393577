// Package dsl reads imagebuild configuration: HCL bytes in, typed blocks with source ranges out.
//
// It knows the language (files, variables, locals, data, functions, references, dynamic blocks)
// and nothing of AWS: which block types exist is told to it as plain data (BlockType, Schema).
// It has no network, clock, random source or environment of its own; Host carries what it may see.
package dsl
