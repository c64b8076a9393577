package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// helpCommand is cobra's help, but for topics that don't exist, which are an error.
func helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Show the help of a command",
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			c, _, err := root.Find(args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return commandNames(c), cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return mistake("commands: "+strings.Join(commandNames(closest(root, args)), ", "), "no help for %q", strings.Join(args, " "))
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
	}
}

// closest is the command that the first of args lead to.
func closest(root *cobra.Command, args []string) *cobra.Command {
	c := root
	for _, a := range args {
		i := slices.IndexFunc(c.Commands(), func(s *cobra.Command) bool { return s.Name() == a })
		if i < 0 {
			break
		}
		c = c.Commands()[i]
	}
	if !c.HasSubCommands() {
		return root
	}
	return c
}

// commandNames are the names of a command's own commands.
func commandNames(c *cobra.Command) []string {
	var names []string
	for _, s := range c.Commands() {
		if s.IsAvailableCommand() {
			names = append(names, s.Name())
		}
	}
	return names
}

// strict makes groups of commands refuse names that they don't have. Cobra shows their help and succeeds.
func strict(root *cobra.Command) {
	for _, c := range root.Commands() {
		strict(c)
	}
	if !root.HasSubCommands() || root.Runnable() {
		countArguments(root)
		return
	}
	root.SuggestionsMinimumDistance = 2
	root.Args = cobra.ArbitraryArgs
	root.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		hint := "commands: " + strings.Join(commandNames(c), ", ")
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			hint = "did you mean " + either(near) + "?"
		}
		return mistake(hint, "unknown command %q for %q", args[0], c.CommandPath())
	}
}

// countArguments says of a wrong number of arguments how the command is called.
func countArguments(c *cobra.Command) {
	fits := c.Args
	if fits == nil {
		return
	}
	c.Args = func(c *cobra.Command, args []string) error {
		err := fits(c, args)
		if err == nil {
			return nil
		}
		if known, ok := errors.AsType[*exit](err); ok {
			return known
		}
		hint := "usage: " + c.UseLine()
		switch {
		case len(args) == 0:
			return mistake(hint, "%s needs an argument", c.CommandPath())
		case fits(c, nil) == nil && fits(c, args[:1]) != nil:
			return mistake(hint, "%s takes no arguments, and got %q", c.CommandPath(), args[0])
		}
		return mistake(hint, "%s can't take %d arguments", c.CommandPath(), len(args))
	}
}
