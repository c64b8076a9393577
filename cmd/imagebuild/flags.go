package main

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// collectFlags adds the names of the command's long flags.
func collectFlags(c *cobra.Command, into map[string]bool) {
	c.Flags().VisitAll(func(f *pflag.Flag) { into[f.Name] = true })
	for _, sub := range c.Commands() {
		collectFlags(sub, into)
	}
}

// configurationFlags say which configuration is meant and with which values.
type configurationFlags struct {
	vars, varFiles, only, except []string
	region                       string
	all                          bool
}

// addAll adds --all, which every command has that shows what it finds.
func addAll(c *cobra.Command, all *bool) {
	c.Flags().BoolVar(all, "all", false, "show every error and warning, not the first of those that are alike")
}

func (f *configurationFlags) add(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.vars, "var", nil, "set a variable: `name=value`; may be repeated")
	c.Flags().StringArrayVar(&f.varFiles, "var-file", nil, "read variables from `file`; may be repeated, later ones win")
	c.Flags().StringSliceVar(&f.only, "only", nil, "keep only the builds whose names match one of these `globs`, and what they need")
	c.Flags().StringSliceVar(&f.except, "except", nil, "leave out the builds whose names match one of these `globs`")
	if c.Flags().Lookup("all") == nil {
		addAll(c, &f.all)
	}
	c.Flags().StringVar(&f.region, "region", "", "the `region` to build in (default: AWS_REGION, AWS_DEFAULT_REGION, the configuration's, the only one that its sources name, then the profile's)")
}

// targetFlags say where the calls go: AWS, or a sandbox.
type targetFlags struct {
	sandbox    bool
	sandboxDir string
	network    string
	root       string
}

func (f *targetFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&f.sandbox, "sandbox", false, "use an AWS of its own on this machine instead of an account")
	c.Flags().StringVar(&f.sandboxDir, "sandbox-dir", "", "keep the sandbox's state in `dir`, so that later runs find what this one made")
	c.Flags().StringVar(&f.root, "root", "auto", "where the sandbox runs components: "+rootHelp)
	addNetwork(c, &f.network)
}

// wanted reports whether a sandbox is meant; --sandbox-dir alone says so too.
func (f *targetFlags) wanted() bool { return f.sandbox || f.sandboxDir != "" }
