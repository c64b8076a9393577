package sandbox

import (
	"fmt"
	"slices"
	"strings"

	"github.com/org/imagebuild-action/internal/awsmodel"
)

// A failure is an error as a service answers it.
type failure struct {
	Code    string
	Message string
	Status  int // 0 takes the model's
}

// Error implements error.
func (f *failure) Error() string { return f.Code + ": " + f.Message }

func fail(code, format string, args ...any) error {
	return &failure{Code: code, Message: fmt.Sprintf(format, args...)}
}

// invalid refuses one parameter in AWS's own words.
func invalid(parameter, format string, args ...any) error {
	return fail("InvalidParameterValueException", "The value supplied for parameter '%s' is not valid. %s",
		parameter, fmt.Sprintf(format, args...))
}

// notFound answers for what is not there. Image Builder sends the code from every Get and Delete,
// although their models do not list it; its exact words are published nowhere.
func notFound(arn string) error {
	return fail("ResourceNotFoundException", "The resource ARN '%s' does not exist.", arn)
}

// exists answers a second create in the words of the live service; typ is the resource's name in
// the API: "ImageRecipe".
func exists(typ, arn string) error {
	return fail("ResourceAlreadyExistsException", "The following resource '%s' already exists: '%s'.", typ, arn)
}

func depended(arn string) error {
	return fail("ResourceDependencyException",
		"Resource dependency error: The resource ARN '%s' has other resources depended on it.", arn)
}

// unsupported says that the sandbox does not do what was asked, by an error that the operation's
// model has: InvalidRequestException, which AWS defines as an action the service does not
// support, or where the model lacks it ClientException. Both are final for retrying clients.
func unsupported(op *awsmodel.Operation, format string, args ...any) error {
	code := "InvalidRequestException"
	if !slices.Contains(op.Errors, code) && slices.Contains(op.Errors, "ClientException") {
		code = "ClientException"
	}
	return fail(code, "The sandbox does not do this: %s", fmt.Sprintf(format, args...))
}

// refused turns the model's first finding into the error AWS would send.
func refused(op *awsmodel.Operation, f awsmodel.Finding) error {
	code := f.Code
	// The tagging calls know InvalidParameterException and no ...ValueException.
	if code == "InvalidParameterValueException" && !slices.Contains(op.Errors, code) &&
		slices.Contains(op.Errors, "InvalidParameterException") {
		code = "InvalidParameterException"
	}
	if op.Service == appStreamService && !slices.Contains(op.Errors, code) {
		code = "ValidationException" // which every service has
	}
	msg := f.Message
	if msg == "" {
		msg = strings.TrimSpace(f.Path + " is not valid. " + f.Advice)
	}
	return &failure{Code: code, Message: msg}
}
