//go:build !linux

package ociroot

import (
	"errors"
	"os"
)

func setCapability(*os.File, string) error { return errors.ErrUnsupported }
