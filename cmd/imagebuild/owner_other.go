//go:build !unix

package main

// handOver does nothing where files have no owner by number.
func handOver(string, []string) error { return nil }
