// Package awsmodel holds what AWS publishes about its APIs (operations, shapes, patterns, ranges,
// enumerations, errors) and judges whether an input has the shape that its operation takes.
//
// Inputs are in the wire's own vocabulary: string, bool, numbers, []any and map[string]any under
// the members' own names, with Unknown where a value exists only later. What AWS enforces and its
// models leave out is in package rules below this one.
//
// It refuses to know HCL, the SDK, the network and the state of any account: what it says follows
// from one input alone. It says nothing about a value that is Unknown.
package awsmodel
