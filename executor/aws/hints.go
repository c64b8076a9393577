package aws

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/org/imagebuild-action/executor"
	"github.com/org/imagebuild-action/planner"
)

// A codeHint is what to do about errors of some codes.
type codeHint struct {
	codes []string
	text  *regexp.Regexp // that the message must match; nil is any. Only what is said to people depends on it
	hint  string
}

// codeHints are looked through in order. Codes: "Common Errors" of the API References; EC2 and S3 have their own lists.
//
//nolint:gochecknoglobals // a table, never written
var codeHints = []codeHint{
	{codes: []string{NoCredentials}, hint: "Set a profile (AWS_PROFILE), the AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY variables, or a role with OIDC."},
	{codes: endedCodes, hint: "The credentials have expired. Get new ones (aws sso login, or a new session of the role) and run the same command again."},
	{
		codes: []string{"RequestTimeTooSkewed", "RequestInTheFuture"},
		hint:  clockHint,
	},
	{
		codes: []string{"SignatureDoesNotMatch", "InvalidSignatureException", "AuthFailure", "IncompleteSignature"},
		text:  regexp.MustCompile(`(?i)signature (expired|not yet current)|is (now )?(earlier|later) than|is still later|clock|skew|date`),
		hint:  clockHint,
	},
	{
		codes: []string{"SignatureDoesNotMatch", "InvalidSignatureException"},
		hint:  "The secret key doesn't belong to the access key. Check AWS_SECRET_ACCESS_KEY for missing or extra characters.",
	},
	{
		codes: []string{"UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "AuthFailure", "MissingAuthenticationToken", "MissingAuthenticationTokenException", "IncompleteSignature"},
		hint:  "AWS doesn't know these credentials. Check AWS_ACCESS_KEY_ID, AWS_SESSION_TOKEN and AWS_PROFILE, and that the account has enabled the region.",
	},
	{codes: []string{"OptInRequired"}, hint: "The account hasn't enabled this region, or isn't subscribed to the service. Enable it in the account's settings, or pass another --region."},
	{codes: deniedCodes, hint: "Allow the caller this action: imagebuild iam prints the policies that a configuration needs."},
	{codes: []string{ConnectionFailed}, hint: "Check the network, the region's name and the endpoint."},
}

const clockHint = "The clock of this machine is off by more than AWS accepts. Set it (timedatectl set-ntp true) and run the same command again."

// deniedCodes are those by which services say that IAM doesn't allow a call.
var deniedCodes = []string{ //nolint:gochecknoglobals // a table, never written
	"AccessDenied", "AccessDeniedException", "ForbiddenException", "UnauthorizedOperation", "UnauthorizedException", "NotAuthorized", "AuthorizationError",
	"Client.UnauthorizedOperation", "Forbidden",
}

// Hint says what to do about the error, in sentences; "" where its code and message say it all.
func (e *CallError) Hint() string {
	if h, ok := errors.AsType[*IdentityError](e.err); ok {
		return h.Hint()
	}
	if q := quotaHint(e); q != "" {
		return q
	}
	for _, h := range codeHints {
		for _, code := range h.codes {
			if code == e.Code && (h.text == nil || h.text.MatchString(e.Message)) {
				return h.hint
			}
		}
	}
	switch Classify(e) {
	case throttled:
		return "AWS throttled this call again and again. Wait a few minutes, lower --parallel, and run the same command again."
	case transient:
		return "AWS had an error of its own that lasted. Run the same command again later; https://health.aws.amazon.com/health/status lists outages."
	}
	return ""
}

// quotaCodes are those by which services say that a quota is used up. LimitExceededException is one of AppStream's and
// of IAM's alike.
var quotaCodes = map[string]bool{ //nolint:gochecknoglobals // a table, never written
	"ServiceQuotaExceededException": true, "LimitExceededException": true, "LimitExceeded": true, "LimitExceededFault": true,
	"VcpuLimitExceeded": true, "InstanceLimitExceeded": true, "MaxSpotInstanceCountExceeded": true, "VolumeLimitExceeded": true,
	"SnapshotLimitExceeded": true, "AMIQuotaExceeded": true, "ResourceLimitExceeded": true, "AddressLimitExceeded": true, "ConcurrentSnapshotLimitExceeded": true,
	"TooManyBuckets": true, "ParameterLimitExceeded": true, "QuotaExceededException": true, "ResourceCountLimitExceeded": true,
}

// A quota is one of Service Quotas, as its console names it.
type quota struct {
	service string // of Service Quotas
	name    string
	code    string // "" where AWS publishes none
	amount  string // the default
}

// knownQuotas are what calls may use up: by operation, or by the code where that says more. Image Builder's are named in the
// AWS General Reference, "EC2 Image Builder endpoints and quotas", without codes; EC2's codes in "Amazon EC2 service quotas".
//
//nolint:gochecknoglobals // a table, never written
var knownQuotas = map[string]quota{
	"imagebuilder:DistributeImage":                   {"imagebuilder", "Concurrent builds", "", "100"},
	"imagebuilder:CreateComponent":                   {"imagebuilder", "Components", "", "1,000"},
	"imagebuilder:CreateImageRecipe":                 {"imagebuilder", "Image recipes", "", "1,000"},
	"imagebuilder:CreateContainerRecipe":             {"imagebuilder", "Container recipes", "", "1,000"},
	"imagebuilder:CreateInfrastructureConfiguration": {"imagebuilder", "Infrastructure configurations", "", "1,000"},
	"imagebuilder:CreateDistributionConfiguration":   {"imagebuilder", "Distribution configurations", "", "1,000"},
	"imagebuilder:CreateImagePipeline":               {"imagebuilder", "Image pipelines", "", "75"},
	"imagebuilder:CreateWorkflow":                    {"imagebuilder", "Workflows", "", "1,000"},
	"imagebuilder:CreateLifecyclePolicy":             {"imagebuilder", "Lifecycle policies", "", "50"},
	"ec2:CopyImage":                                  {"ec2", "AMIs in the destination region", "L-B665C33B", "50,000"},
	"ec2:CreateImage":                                {"ec2", "AMIs", "L-B665C33B", "50,000"},
	"VcpuLimitExceeded":                              {"ec2", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances, in vCPUs", "L-1216C47A", "5"},
	"InstanceLimitExceeded":                          {"ec2", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances, in vCPUs", "L-1216C47A", "5"},
	"MaxSpotInstanceCountExceeded":                   {"ec2", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests, in vCPUs", "L-34B43A08", "5"},
	"AddressLimitExceeded":                           {"ec2", "EC2-VPC Elastic IPs", "L-0263D0A3", "5"},
	"AMIQuotaExceeded":                               {"ec2", "AMIs", "L-B665C33B", "50,000"},
	"TooManyBuckets":                                 {"s3", "General purpose buckets", "L-DC2B2D3D", "10,000"},
}

// quotaHint names the quota that a call met and how to raise it; "" where it met none.
func quotaHint(e *CallError) string {
	service, _, _ := strings.Cut(string(e.Op), ":")
	// Builds that meet the quota of builds at once queue, and say so themselves.
	if !quotaCodes[e.Code] || e.Op == "imagebuilder:CreateImage" || service == "appstream" && e.Code != appstreamQuota {
		return ""
	}
	if service == "appstream" {
		advice, _ := usedUp(e)
		return "A quota is used up: " + advice + "."
	}
	q, ok := knownQuotas[e.Code]
	if !ok {
		q, ok = knownQuotas[string(e.Op)]
	}
	if !ok {
		q.service = service
	}
	if q.name == "" {
		return "A service quota of " + q.service + " is used up. " + raising(q, e.Region)
	}
	s := fmt.Sprintf("The service quota %q of %s is used up (%s%s by default). ", q.name, q.service, strings.TrimPrefix(q.code+", ", ", "), q.amount)
	return s + raising(q, e.Region)
}

// raising says how to get more of a quota.
func raising(q quota, region string) string {
	freed := "Delete what isn't needed (imagebuild gc), or raise it: "
	if q.code == "" {
		return freed + "find its code with aws service-quotas list-service-quotas --service-code " + q.service + " --region " + region + ", then request an increase."
	}
	return freed + "aws service-quotas request-service-quota-increase --service-code " + q.service + " --quota-code " + q.code + " --region " + region + " --desired-value N."
}

// identifiers are the members by which inputs name what a call is about.
var identifiers = []string{"Name", "SecretId", "Names", "RoleName", "InstanceProfileName", "Bucket", "ImageName", "Arn", "ResourceArn"} //nolint:gochecknoglobals // a table, never written

// nameless are the errors whose text names nothing: Systems Manager's has none at all.
var nameless = map[planner.Op]string{ //nolint:gochecknoglobals // a table, never written
	"ssm:GetParameter": "ParameterNotFound", "secretsmanager:GetSecretValue": notFound,
}

// about puts into the text of an error what the call was about, where AWS names nothing.
func (e *CallError) about(in json.RawMessage) {
	if e.Message != "" && nameless[e.Op] != e.Code {
		return
	}
	var members object
	name := ""
	if json.Unmarshal(in, &members) == nil { // what is no object names nothing
		for _, m := range identifiers {
			if v, ok := members[m]; ok && name == "" {
				name = fmt.Sprintf("%q", v)
			}
		}
	}
	switch {
	case e.Op == "ssm:GetParameter" && e.Code == "ParameterNotFound":
		e.Message = fmt.Sprintf("the parameter %s doesn't exist in %s", name, e.Region)
	case e.Op == "secretsmanager:GetSecretValue" && e.Code == notFound:
		e.Message = fmt.Sprintf("the secret %s doesn't exist in %s", name, e.Region)
	case name != "":
		e.Message = "asked about " + name + "; AWS gave no reason"
	default:
		e.Message = "AWS gave no reason"
	}
}

// lost is the failure of a wait: it says that what is being made goes on without it.
func lost(err error, what string) error {
	f, ok := errors.AsType[*executor.Failure](err)
	if !ok {
		return err
	}
	more := *f
	more.Message = strings.TrimRight(f.Message, ".") + ". " + what + " goes on in AWS; the same command waits for it again instead of starting another."
	return &more
}

// missingOutput is the code of such a failure.
const missingOutput = "MissingOutput"

// missingARN is the failure of a create that AWS answered without saying what it created.
func missingARN(op planner.Op) string {
	return "AWS accepted " + string(op) + " and didn't answer with an ARN or id, so what it created can't be used or followed. Run the same command again; if the answer comes from a proxy or an emulator, check that."
}
