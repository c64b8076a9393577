package awsmodel

// codeValue is the code of Image Builder's refusals of a value.
const codeValue = "InvalidParameterValueException"

// commonErrors are the codes that every service may answer and no model lists, with their HTTP
// status ("Common Errors" of the API References).
var commonErrors = map[string]int{
	"AccessDeniedException":          403,
	"ExpiredTokenException":          403,
	"IncompleteSignature":            400,
	"Internal":                       500,
	"InternalError":                  500,
	"InternalErrorException":         500,
	"InternalException":              500,
	"InternalFailure":                500,
	"InternalFailureException":       500,
	"InternalServerError":            500,
	"InternalServerErrorException":   500,
	"InternalServerException":        500,
	"InternalServiceError":           500,
	"InternalServiceErrorException":  500,
	"InternalServiceException":       500,
	"InvalidClientTokenId":           403,
	"MissingAuthenticationToken":     403,
	"RequestEntityTooLargeException": 413,
	"RequestExpired":                 400,
	"RequestLimitExceeded":           503,
	"ServiceException":               500,
	"ServiceUnavailable":             503,
	"ServiceUnavailableException":    503,
	"SignatureDoesNotMatch":          403,
	"SlowDown":                       503,
	"ThrottlingException":            400,
	"Unavailable":                    503,
	"UnauthorizedOperation":          403,
	"UnknownOperationException":      404,
	"UnrecognizedClientException":    403,
	"ValidationError":                400,
	"ValidationException":            400,
}

// ErrorStatus returns the HTTP status a service answers a code (or an error shape) with: what its model says, else the
// status of the errors common to all services, else 400, which is what the JSON, query and EC2
// protocols answer to a mistake of the caller.
func ErrorStatus(service, code string) int {
	if s, err := Get(service); err == nil {
		for _, name := range []string{code, code + "Exception"} {
			sh, ok := s.shapes[name]
			if ok && sh.ErrorStatus != 0 && (sh.ErrorCode == code || sh.Name == code) {
				return sh.ErrorStatus
			}
		}
	}
	if status, ok := commonErrors[code]; ok {
		return status
	}
	return 400
}
