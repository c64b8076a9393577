package awsmodel

import "strings"

// ErrorCode is an error's code without what some services and gateways put around it: a namespace
// ("com.amazon.coral.availability#ThrottlingException") or the URI of one ("ThrottlingException:http://internal.amazon.com/coral/…"),
// both or either, in a header or a body (Smithy, AWS protocols, "Operation error serialization").
func ErrorCode(code string) string {
	code, _, _ = strings.Cut(strings.TrimSpace(code), ":")
	return code[strings.LastIndexByte(code, '#')+1:]
}
