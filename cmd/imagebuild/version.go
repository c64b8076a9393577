package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// version is what releases are stamped with: -ldflags "-X main.version=1.2.3".
var version = "0.1.0"

func (p *program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return p.printVersion()
		},
	}
}

func (p *program) printVersion() error {
	_, err := fmt.Fprintln(p.stdout, versionLine())
	return err
}

// versionLine is what version prints.
func versionLine() string {
	return fmt.Sprintf("imagebuild %s %s/%s %s", version, runtime.GOOS, runtime.GOARCH, runtime.Version())
}
