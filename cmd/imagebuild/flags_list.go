package main

import (
	"errors"

	"github.com/spf13/pflag"
)

// joinedFlag is a flag of AWSTOE's that takes values separated by commas. Given again it adds to them: the last one
// alone would be checked or run, and the others pass for it.
type joinedFlag struct{ to *string }

func (f joinedFlag) String() string {
	if f.to == nil { // pflag asks a zero value what it would say
		return ""
	}
	return *f.to
}

func (joinedFlag) Type() string { return "string" }

func (f joinedFlag) Set(value string) error {
	if *f.to != "" {
		value = *f.to + "," + value
	}
	*f.to = value
	return nil
}

// joinedVar declares a flag whose values are joined by commas.
func joinedVar(f *pflag.FlagSet, to *string, name, short, usage string) {
	f.VarP(joinedFlag{to}, name, short, usage)
}

// onceFlag is a flag that says which one thing is meant, and refuses a second.
type onceFlag struct {
	to    *string
	given *bool
}

func (f onceFlag) String() string {
	if f.to == nil {
		return ""
	}
	return *f.to
}

func (onceFlag) Type() string { return "string" }

func (f onceFlag) Set(value string) error {
	if *f.given {
		return errors.New("it can be given once; run the command again for the other")
	}
	*f.to, *f.given = value, true
	return nil
}

// onceVar declares a flag that can be given once.
func onceVar(f *pflag.FlagSet, to *string, name, usage string) {
	f.Var(onceFlag{to, new(bool)}, name, usage)
}
