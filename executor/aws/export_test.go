package aws

// ParseConsole is what of a log's end explains a failed step.
func ParseConsole(log []string, step string) (stepFound, message string, stderr []string, ok bool) {
	b, ok := parseConsole(log, step)
	return b.step, b.message, b.stderr, ok
}

// Parameter is the path of the member that an error's text names.
func Parameter(message string) string { return parameter(message) }
