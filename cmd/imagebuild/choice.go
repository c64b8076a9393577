package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// A choice is the value of a flag that takes one of a few. Help, errors and completion list them.
type choice struct {
	value *string
	of    []string
}

// String is the value.
func (c choice) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

// Set takes one of the values.
func (c choice) Set(v string) error {
	if !slices.Contains(c.of, v) {
		return fmt.Errorf("choose %s", either(c.of))
	}
	*c.value = v
	return nil
}

// Type is what help shows for a value.
func (c choice) Type() string { return strings.Join(c.of, "|") }

// choose adds a flag that takes one of some values.
func choose(c *cobra.Command, target *string, name, usage string, of ...string) {
	c.Flags().Var(choice{target, of}, name, usage)
	// Registering fails for a flag that is not there or has completions, and this one was made here.
	_ = c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(of, cobra.ShellCompDirectiveNoFileComp))
}

// either is a list of alternatives: "a, b or c".
func either(of []string) string {
	if len(of) < 2 {
		return strings.Join(of, "")
	}
	return strings.Join(of[:len(of)-1], ", ") + " or " + of[len(of)-1]
}
