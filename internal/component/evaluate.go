package component

import (
	"context"
	"crypto/md5"  //nolint:gosec // the language offers it for comparing files
	"crypto/sha1" //nolint:gosec // the language offers it for comparing files
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A judge evaluates conditions.
type judge struct {
	// expand replaces the expressions of a text.
	expand func(string) (string, error)
	// path makes a relative path absolute.
	path func(string) string
	env  []string
}

func (j *judge) holds(ctx context.Context, c *Condition) (bool, error) {
	switch c.Operator {
	case "and", "or":
		stop := c.Operator == "or"
		for i := range c.Terms {
			v, err := j.holds(ctx, &c.Terms[i])
			if err != nil || v == stop {
				return v, err
			}
		}
		return !stop, nil
	case "not":
		if len(c.Terms) != 1 {
			return false, fmt.Errorf("the operator not judges one condition and has %d", len(c.Terms))
		}
		v, err := j.holds(ctx, &c.Terms[0])
		return !v && err == nil, err
	}
	base, err := j.expand(c.Operand)
	if err != nil {
		return false, err
	}
	value, err := j.expand(c.Value)
	if err != nil {
		return false, err
	}
	if v, known, err := compare(c.Operator, base, value); known || err != nil {
		return v, err
	}
	return j.look(ctx, c.Operator, base, value)
}

// compare evaluates the operators that look at nothing but their operands: value op base. Letters
// are compared without regard to case, as the guide says of all string operators.
func compare(operator, base, value string) (result, known bool, err error) {
	if v, isNumber := compareNumbers(operator, base, value); isNumber {
		return v, true, nil
	}
	order := strings.Compare(strings.ToLower(value), strings.ToLower(base))
	switch operator {
	case "stringIsEmpty":
		return base == "", true, nil
	case "stringIsWhitespace":
		return base != "" && strings.Trim(base, " ") == "", true, nil
	case "stringEquals":
		return order == 0, true, nil
	case "stringLessThan":
		return order < 0, true, nil
	case "stringLessThanEquals":
		return order <= 0, true, nil
	case "stringGreaterThan":
		return order > 0, true, nil
	case "stringGreaterThanEquals":
		return order >= 0, true, nil
	case "patternMatches":
		re, err := pattern(base)
		if err != nil {
			return false, true, err
		}
		return re.MatchString(value), true, nil
	}
	return false, false, nil
}

// pattern compiles a pattern without regard to case: the guide's example is true only so.
func pattern(text string) (*regexp.Regexp, error) { return regexp.Compile("(?i)" + text) }

// compareNumbers is false for whatever is no number, on either side.
func compareNumbers(operator, base, value string) (result, known bool) {
	if !strings.HasPrefix(operator, "number") {
		return false, false
	}
	b, okB := number(base)
	v, okV := number(value)
	if !okB || !okV {
		return false, true
	}
	order := v.Cmp(b)
	switch operator {
	case "numberEquals":
		return order == 0, true
	case "numberLessThan":
		return order < 0, true
	case "numberLessThanEquals":
		return order <= 0, true
	case "numberGreaterThan":
		return order > 0, true
	case "numberGreaterThanEquals":
		return order >= 0, true
	}
	return false, false
}

// number reads a number in the only form the guide allows: an optional sign, digits, at most one
// point between digits. It is exact, so that 1.10 equals 1.1.
func number(s string) (*big.Rat, bool) {
	digits := strings.TrimLeft(s, "+-")
	whole, fraction, point := strings.Cut(digits, ".")
	if len(s)-len(digits) > 1 || len(digits) > 4096 || !isDigits(whole) || point && !isDigits(fraction) {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// look evaluates the operators that look at the machine.
func (j *judge) look(ctx context.Context, operator, base, value string) (bool, error) {
	switch operator {
	case "binaryExists":
		return j.binaryExists(ctx, base)
	case "fileExists", "folderExists":
		info, err := os.Stat(j.path(base))
		if err != nil {
			return false, nil //nolint:nilerr // what cannot be looked at does not exist, as test -f has it
		}
		return info.IsDir() == (operator == "folderExists"), nil
	case "fileMD5Equals", "fileSHA1Equals", "fileSHA256Equals", "fileSHA512Equals":
		sum, err := fileSum(j.path(value), strings.TrimSuffix(strings.TrimPrefix(operator, "file"), "Equals"))
		if err != nil {
			return false, err
		}
		return strings.EqualFold(sum, base), nil
	}
	return false, fmt.Errorf("there is no operator %q", operator)
}

// binaryExists asks the shell's type, so builtins count; without a shell it looks along PATH.
func (j *judge) binaryExists(ctx context.Context, name string) (bool, error) {
	bash, err := lookPath("bash", j.env)
	if err != nil {
		_, missing := lookPath(name, j.env)
		return missing == nil, nil
	}
	cmd := exec.CommandContext(ctx, bash, "-c", `type -- "$1"`, "bash", name) //nolint:gosec // the name is an argument
	cmd.Env = j.env
	err = cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		return false, fmt.Errorf("looking for the program %s: %w", name, err)
	}
	return err == nil, nil
}

// lookPath finds a program along the PATH of env rather than of this process.
func lookPath(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, kv := range env {
		path, ok := strings.CutPrefix(kv, "PATH=")
		if !ok {
			continue
		}
		for _, dir := range filepath.SplitList(path) {
			full := filepath.Join(dir, name)
			if info, err := os.Stat(full); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				return full, nil
			}
		}
	}
	return "", fmt.Errorf("the program %s: %w", name, exec.ErrNotFound)
}

// newHash makes the hash of an algorithm as the guide names it.
func newHash(algorithm string) (hash.Hash, error) {
	switch strings.ToUpper(algorithm) {
	case "MD5":
		return md5.New(), nil //nolint:gosec // chosen by the document
	case "SHA1":
		return sha1.New(), nil //nolint:gosec // chosen by the document
	case "SHA256":
		return sha256.New(), nil
	case "SHA512":
		return sha512.New(), nil
	}
	return nil, fmt.Errorf("the algorithm %q is none of MD5, SHA1, SHA256 and SHA512", algorithm)
}

func fileSum(path, algorithm string) (string, error) {
	h, err := newHash(algorithm)
	if err != nil {
		return "", err
	}
	if err = regular(path); err != nil {
		return "", err
	}
	f, err := os.Open(path) //nolint:gosec // the document names the files it works on
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // it was only read
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
