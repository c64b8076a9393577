package sandbox_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/imagebuilder"
	"github.com/aws/aws-sdk-go-v2/service/imagebuilder/types"

	"github.com/org/imagebuild-action/internal/sandbox"
)

// raw sends a signed request as clients of any service do.
func (f *fixture) raw(service, method, path, body string, headers ...string) (status int, contentType, answer string) {
	f.Helper()
	req, err := http.NewRequestWithContext(f.Context(), method, f.url+path, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20261001/eu-west-1/"+service+"/aws4_request, SignedHeaders=host, Signature=x")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		f.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // nothing depends on it
	b, err := io.ReadAll(res.Body)
	if err != nil {
		f.Fatal(err)
	}
	return res.StatusCode, res.Header.Get("Content-Type"), string(b)
}

// TestUnknownServicesProtocols: a service that is not here says so in its own protocol.
func TestUnknownServicesProtocols(t *testing.T) {
	f := start(t, sandbox.Options{})
	form := []string{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}
	for _, tt := range []struct {
		service, path, body string
		headers             []string
		status              int
		contentType, want   string
	}{
		{"sns", "/", "Action=ListTopics&Version=2010-03-31", form, 400, "text/xml", "<Code>InvalidAction</Code><Message>The sandbox does not do this: sns:ListTopics."},
		{"kms", "/", "{}", []string{"X-Amz-Target", "TrentService.ListKeys", "Content-Type", "application/x-amz-json-1.1"}, 400, "application/x-amz-json-1.1", `"__type":"UnknownOperationException"`},
		{"dynamodb", "/", "{}", []string{"X-Amz-Target", "DynamoDB_20120810.ListTables", "Content-Type", "application/x-amz-json-1.0"}, 400, "application/x-amz-json-1.0", "dynamodb:ListTables"},
		{"monitoring", "/service/GraniteServiceVersion20100801/operation/ListMetrics", "\xa0", []string{"Smithy-Protocol", "rpc-v2-cbor"}, 400, "application/cbor", "monitoring:ListMetrics"},
		{"lambda", "/2015-03-31/functions", "", nil, 404, "application/json", "lambda:POST /2015-03-31/functions"},
		{"route53", "/2013-04-01/hostedzone", "", nil, 501, "text/xml", "<Code>NotImplemented</Code>"},
		{"ec2", "/", "Action=DescribeVolumes&Version=2016-11-15", form, 400, "text/xml", "<Errors><Error><Code>InvalidAction</Code>"},
		{"ssm", "/", "{}", []string{"X-Amz-Target", "AmazonSSM.ListDocuments"}, 404, "application/x-amz-json-1.1", "ListDocuments of ssm"},
	} {
		status, contentType, body := f.raw(tt.service, http.MethodPost, tt.path, tt.body, tt.headers...)
		if status != tt.status || !strings.HasPrefix(contentType, tt.contentType) || !strings.Contains(body, tt.want) {
			t.Errorf("%s: %d %s %s", tt.service, status, contentType, body)
		}
	}
}

// TestServersErrors: codes that are the service's own fault have a status that says so, in each protocol.
func TestServersErrors(t *testing.T) {
	f := start(t, sandbox.Options{Faults: []sandbox.Fault{
		{Operation: "ssm:GetParameter", Code: "InternalServerError"},
		{Operation: "logs:GetLogEvents", Code: "ServiceUnavailableException"},
		{Operation: "imagebuilder:ListImages", Code: "ServiceException"},
		{Operation: "ec2:DescribeImages", Code: "InternalError"},
		{Operation: "sts:GetCallerIdentity", Code: "InternalFailure"},
		{Operation: "s3:ListBuckets", Code: "InternalError"},
		{Operation: "appstream:DescribeImages", Code: "InternalServerException"},
		{Operation: "tagging:GetResources", Code: "InternalServiceException"},
	}})
	form := []string{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}
	for _, tt := range []struct {
		service, path, body string
		headers             []string
		status              int
	}{
		{"ssm", "/", "{}", []string{"X-Amz-Target", "AmazonSSM.GetParameter"}, 500},
		{"logs", "/", "{}", []string{"X-Amz-Target", "Logs_20140328.GetLogEvents"}, 503},
		{"imagebuilder", "/ListImages", "{}", nil, 500},
		{"ec2", "/", "Action=DescribeImages", form, 500},
		{"sts", "/", "Action=GetCallerIdentity", form, 500},
		{"appstream", "/", "{}", []string{"X-Amz-Target", "PhotonAdminProxyService.DescribeImages"}, 500},
		{"tagging", "/", "{}", []string{"X-Amz-Target", "ResourceGroupsTaggingAPI_20170126.GetResources"}, 500},
	} {
		if status, _, body := f.raw(tt.service, http.MethodPost, tt.path, tt.body, tt.headers...); status != tt.status {
			t.Errorf("%s: %d %s", tt.service, status, body)
		}
	}
	if status, _, body := f.raw("s3", http.MethodGet, "/", ""); status != 500 {
		t.Errorf("s3: %d %s", status, body)
	}
	// What is not there is an empty list, not a missing one.
	_, _, body := f.raw("tagging", http.MethodPost, "/", `{"TagFilters":[{"Key":"none"}]}`, "X-Amz-Target", "ResourceGroupsTaggingAPI_20170126.GetResources")
	if !strings.Contains(body, `"ResourceTagMappingList":[]`) {
		t.Errorf("no resources: %s", body)
	}
}

// TestPipelineDates: when a pipeline ran and will run next.
func TestPipelineDates(t *testing.T) {
	now := time.Date(2026, 10, 1, 12, 30, 0, 0, time.UTC)
	f := start(t, sandbox.Options{Now: func() time.Time { return now }})
	in := &imagebuilder.CreateImagePipelineInput{
		Name: aws.String("web"), ImageRecipeArn: aws.String(f.recipe("web", parent, f.component("web", "true"))), InfrastructureConfigurationArn: aws.String(f.infrastructure("web")),
		Schedule: &types.Schedule{ScheduleExpression: aws.String("cron(0 6 ? * MON *)"), Timezone: aws.String("Europe/Berlin")},
	}
	arn := must[*imagebuilder.CreateImagePipelineOutput](f)(f.ib.CreateImagePipeline(t.Context(), in)).ImagePipelineArn
	get := func() *types.ImagePipeline {
		return must[*imagebuilder.GetImagePipelineOutput](f)(f.ib.GetImagePipeline(t.Context(), &imagebuilder.GetImagePipelineInput{ImagePipelineArn: arn})).ImagePipeline
	}
	if p := get(); p.DateLastRun != nil || aws.ToString(p.DateNextRun) != "2026-10-05T04:00:00.000Z" {
		t.Errorf("before it ran: %v, %s", p.DateLastRun, aws.ToString(p.DateNextRun))
	}
	run := must[*imagebuilder.StartImagePipelineExecutionOutput](f)(f.ib.StartImagePipelineExecution(t.Context(), &imagebuilder.StartImagePipelineExecutionInput{ImagePipelineArn: arn}))
	f.wait(*run.ImageBuildVersionArn)
	if p := get(); aws.ToString(p.DateLastRun) != "2026-10-01T12:30:00.000Z" || p.LastRunStatus != types.ImageStatusAvailable {
		t.Errorf("after it ran: %s, %s", aws.ToString(p.DateLastRun), p.LastRunStatus)
	}
	listed := must[*imagebuilder.ListImagePipelinesOutput](f)(f.ib.ListImagePipelines(t.Context(), &imagebuilder.ListImagePipelinesInput{})).ImagePipelineList
	if len(listed) != 1 || listed[0].DateNextRun == nil || listed[0].DateLastRun == nil {
		t.Errorf("listed: %+v", listed)
	}
}

// TestByName: one entry a name and a filter for versions exclude each other.
func TestByName(t *testing.T) {
	f := start(t, sandbox.Options{})
	f.component("web", "true")
	_, err := f.ib.ListComponents(t.Context(), &imagebuilder.ListComponentsInput{ByName: true, Filters: []types.Filter{{Name: aws.String("version"), Values: []string{"1.0.0"}}}})
	f.refused(err, "InvalidParameterCombinationException", "byName")
	if got := must[*imagebuilder.ListComponentsOutput](f)(f.ib.ListComponents(t.Context(), &imagebuilder.ListComponentsInput{ByName: true, Filters: []types.Filter{{Name: aws.String("name"), Values: []string{"web"}}}})); len(got.ComponentVersionList) != 1 {
		t.Errorf("by name: %+v", got.ComponentVersionList)
	}
}
