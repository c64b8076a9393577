package sandbox_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/org/imagebuild-action/internal/sandbox"
)

func TestIdentity(t *testing.T) {
	f := start(t, sandbox.Options{})
	me := must[*sts.GetCallerIdentityOutput](f)(f.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))
	if *me.Account != account || *me.Arn != "arn:aws:iam::"+account+":root" {
		t.Errorf("the caller is %+v", me)
	}
	r := must[*sts.AssumeRoleOutput](f)(f.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::210987654321:role/path/builder"), RoleSessionName: aws.String("ci"),
	}))
	cfg := config(f.url, region)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*r.Credentials.AccessKeyId, *r.Credentials.SecretAccessKey, *r.Credentials.SessionToken)
	f.connect(cfg)
	me = must[*sts.GetCallerIdentityOutput](f)(f.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))
	if *me.Account != "210987654321" || *me.Arn != "arn:aws:sts::210987654321:assumed-role/builder/ci" {
		t.Errorf("the caller is %+v", me)
	}
	if arn := f.component("web", "true"); !strings.Contains(arn, ":210987654321:") {
		t.Errorf("what the role makes is %s", arn)
	}
	_, err := f.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("nonsense"), RoleSessionName: aws.String("ci")})
	f.refused(err, "ValidationError", "nonsense is invalid")
}

func jwt(claims string) string {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(`{"alg":"RS256"}`)) + "." + e([]byte(claims)) + "." + e([]byte("signature"))
}

func TestWebIdentity(t *testing.T) {
	now := time.Now()
	f := start(t, sandbox.Options{Now: func() time.Time { return now }})
	assume := func(token string) (*sts.AssumeRoleWithWebIdentityOutput, error) {
		return f.sts.AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
			RoleArn: aws.String("arn:aws:iam::123456789012:role/builder"), RoleSessionName: aws.String("ci"), WebIdentityToken: &token,
		})
	}
	claims := func(exp time.Time) string {
		return fmt.Sprintf(`{"iss":"https://token.actions.githubusercontent.com","sub":"repo:o/r:ref:refs/heads/main","aud":"sts.amazonaws.com","exp":%d}`, exp.Unix())
	}
	out := must[*sts.AssumeRoleWithWebIdentityOutput](f)(assume(jwt(claims(now.Add(time.Hour)))))
	if *out.Audience != "sts.amazonaws.com" || !strings.HasPrefix(*out.SubjectFromWebIdentityToken, "repo:o/r") || out.Credentials.Expiration.Before(now) {
		t.Errorf("got %+v", out)
	}
	_, err := assume(jwt(claims(now.Add(-time.Minute))))
	f.refused(err, "ExpiredTokenException")
	_, err = assume("nonsense-that-is-long-enough")
	f.refused(err, "InvalidIdentityToken")
	_, err = assume(jwt(`{"iss":"x","exp":1}`))
	f.refused(err, "InvalidIdentityToken")

	cfg := config(f.url, region)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, "s", "t")
	f.connect(cfg)
	must[*sts.GetCallerIdentityOutput](f)(f.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}))
	now = now.Add(2 * time.Hour)
	_, err = f.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	f.refused(err, "ExpiredTokenException")
}

// TestUploads: every way the SDK has of sending a body arrives as the same bytes.
func TestUploads(t *testing.T) {
	f := start(t, sandbox.Options{})
	body := bytes.Repeat([]byte("0123456789"), 20_000)
	put := func(key string, in s3.PutObjectInput, opts ...func(*s3.Options)) {
		t.Helper()
		in.Bucket, in.Key = aws.String("made-on-first-use"), &key
		in.Body = bytes.NewReader(body)
		must[*s3.PutObjectOutput](f)(f.s3.PutObject(t.Context(), &in, opts...))
		got := must[*s3.GetObjectOutput](f)(f.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: in.Bucket, Key: &key}))
		b, err := io.ReadAll(got.Body)
		if err != nil || !bytes.Equal(b, body) {
			t.Errorf("%s: %d bytes came back, %v", key, len(b), err)
		}
	}
	put("plain/a b+c.txt", s3.PutObjectInput{})
	put("crc32", s3.PutObjectInput{ChecksumAlgorithm: s3types.ChecksumAlgorithmCrc32})
	put("sha256", s3.PutObjectInput{ChecksumAlgorithm: s3types.ChecksumAlgorithmSha256})
	list := must[*s3.ListObjectsV2Output](f)(f.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String("made-on-first-use"), Prefix: aws.String("plain/")}))
	if len(list.Contents) != 1 || *list.Contents[0].Key != "plain/a b+c.txt" {
		t.Errorf("listed: %+v", list.Contents)
	}
	_, err := f.s3.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("made-on-first-use"), Key: aws.String("none")})
	f.refused(err, "NotFound")

	res, err := http.Get(f.url + "/made-on-first-use/crc32") // as a component's download does
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // nothing depends on it
	if b, _ := io.ReadAll(res.Body); !bytes.Equal(b, body) {
		t.Errorf("an unsigned request got status %d and %d bytes", res.StatusCode, len(b))
	}
}

// TestChunkedUploads: bodies in aws-chunked, with signatures and with trailers, as clients send over
// other transports.
func TestChunkedUploads(t *testing.T) {
	f := start(t, sandbox.Options{})
	send := func(key, sha, body string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, f.url+"/bucket/"+key, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Amz-Content-Sha256", sha)
		req.Header.Set("X-Amz-Decoded-Content-Length", "11")
		req.Header.Set("Content-Encoding", "aws-chunked")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close() //nolint:errcheck // nothing depends on it
		return res.StatusCode
	}
	for key, body := range map[string]string{
		"signed":  "6;chunk-signature=aa\r\nhello \r\n5;chunk-signature=bb\r\nworld\r\n0;chunk-signature=cc\r\n\r\n",
		"trailer": "b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n",
	} {
		if status := send(key, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", body); status != http.StatusOK {
			t.Errorf("%s: status %d", key, status)
		}
		got := must[*s3.GetObjectOutput](f)(f.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("bucket"), Key: &key}))
		if b, _ := io.ReadAll(got.Body); string(b) != "hello world" {
			t.Errorf("%s: got %q", key, b)
		}
	}
	if status := send("bad", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "zz\r\nhello"); status < 400 {
		t.Errorf("a malformed body was taken with status %d", status)
	}
}

func TestParameters(t *testing.T) {
	f := start(t, sandbox.Options{})
	put := func(value string, overwrite bool) (*ssm.PutParameterOutput, error) {
		return f.ssm.PutParameter(t.Context(), &ssm.PutParameterInput{
			Name: aws.String("/app/ami"), Value: &value, Type: ssmtypes.ParameterTypeString, Overwrite: &overwrite,
		})
	}
	must[*ssm.PutParameterOutput](f)(put("a", false))
	_, err := put("b", false)
	f.refused(err, "ParameterAlreadyExists")
	if out := must[*ssm.PutParameterOutput](f)(put("b", true)); out.Version != 2 {
		t.Errorf("version %d", out.Version)
	}
	got := must[*ssm.GetParameterOutput](f)(f.ssm.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/app/ami")})).Parameter
	if *got.Value != "b" || *got.ARN != "arn:aws:ssm:eu-west-1:123456789012:parameter/app/ami" || time.Since(*got.LastModifiedDate) > time.Minute {
		t.Errorf("got %+v", got)
	}
	many := must[*ssm.GetParametersOutput](f)(f.ssm.GetParameters(t.Context(), &ssm.GetParametersInput{Names: []string{
		"/app/ami", "/app/none", "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
	}}))
	if len(many.Parameters) != 2 || len(many.InvalidParameters) != 1 || !strings.HasPrefix(*many.Parameters[1].Value, "ami-") {
		t.Errorf("got %+v", many)
	}
	byPath := must[*ssm.GetParametersByPathOutput](f)(f.ssm.GetParametersByPath(t.Context(), &ssm.GetParametersByPathInput{
		Path: aws.String("/aws/service/ami-amazon-linux-latest"), MaxResults: aws.Int32(2),
	}))
	if len(byPath.Parameters) != 2 || byPath.NextToken == nil {
		t.Errorf("by path: %+v", byPath)
	}
	must[*ssm.DeleteParameterOutput](f)(f.ssm.DeleteParameter(t.Context(), &ssm.DeleteParameterInput{Name: aws.String("/app/ami")}))
	_, err = f.ssm.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/app/ami")})
	f.refused(err, "ParameterNotFound")
	_, err = f.ssm.SendCommand(t.Context(), &ssm.SendCommandInput{DocumentName: aws.String("AWS-RunShellScript")})
	f.refused(err, "UnknownOperationException", "The sandbox does not do this: SendCommand of ssm.")
}

func TestImagesOfEC2(t *testing.T) {
	f := start(t, sandbox.Options{})
	find := func(in ec2.DescribeImagesInput) []ec2types.Image {
		t.Helper()
		return must[*ec2.DescribeImagesOutput](f)(f.ec2.DescribeImages(t.Context(), &in)).Images
	}
	by := func(name string, values ...string) ec2types.Filter {
		return ec2types.Filter{Name: &name, Values: values}
	}
	ubuntu := find(ec2.DescribeImagesInput{
		Owners:  []string{"099720109477"},
		Filters: []ec2types.Filter{by("name", "ubuntu/images/*ubuntu-jammy-22.04-amd64-server-*"), by("virtualization-type", "hvm")},
	})
	if len(ubuntu) != 2 {
		t.Fatalf("%d images found, want the two releases", len(ubuntu))
	}
	if got := find(ec2.DescribeImagesInput{ImageIds: []string{*ubuntu[0].ImageId}}); len(got) != 1 || got[0].CreationDate == nil {
		t.Errorf("by id: %+v", got)
	}
	if got := find(ec2.DescribeImagesInput{Owners: []string{"amazon"}, Filters: []ec2types.Filter{by("platform", "windows"), by("name", "Windows_Server-2022-English-Full-*")}}); len(got) != 2 {
		t.Errorf("Windows images of amazon: %d", len(got))
	}
	if got := find(ec2.DescribeImagesInput{Owners: []string{"self"}}); len(got) != 0 {
		t.Errorf("own images before any was built: %+v", got)
	}
	_, err := f.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{"ami-0123456789abcdef0"}})
	f.refused(err, "InvalidAMIID.NotFound")
	_, err = f.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{"ami-x"}})
	f.refused(err, "InvalidAMIID.Malformed")
	_, err = f.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Filters: []ec2types.Filter{by("colour", "red")}})
	f.refused(err, "InvalidParameterValue", "colour")
	_, err = f.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{MinCount: aws.Int32(1), MaxCount: aws.Int32(1)})
	f.refused(err, "UnsupportedOperation", "RunInstances")
	if got := must[*ec2.DescribeRegionsOutput](f)(f.ec2.DescribeRegions(t.Context(), &ec2.DescribeRegionsInput{RegionNames: []string{region}})).Regions; len(got) != 1 {
		t.Errorf("regions: %+v", got)
	}
}

func TestUnknownService(t *testing.T) {
	f := start(t, sandbox.Options{})
	for auth, want := range map[string]int{
		"AWS4-HMAC-SHA256 Credential=AKID/20261001/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=x":       http.StatusNotFound,
		"AWS4-HMAC-SHA256 Credential=AKID/20261001/eu-west-1/imagebuilder/aws4_request, SignedHeaders=host, Signature=x": http.StatusNotFound,
	} {
		req, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodPut, f.url+"/NoSuchOperation", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", auth)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want || res.Header.Get("X-Amzn-ErrorType") != "UnknownOperationException" {
			t.Errorf("%s: status %d, %s", auth, res.StatusCode, res.Header.Get("X-Amzn-ErrorType"))
		}
	}
}

// TestParameterVersions: versions, labels, history, descriptions with their filters, and tags.
func TestParameterVersions(t *testing.T) {
	f := start(t, sandbox.Options{})
	for _, v := range []string{"one", "two", "three"} {
		must[*ssm.PutParameterOutput](f)(f.ssm.PutParameter(t.Context(), &ssm.PutParameterInput{
			Name: aws.String("/app/a"), Value: &v, Type: ssmtypes.ParameterTypeString, Overwrite: aws.Bool(true), Description: aws.String("of " + v),
		}))
	}
	must[*ssm.LabelParameterVersionOutput](f)(f.ssm.LabelParameterVersion(t.Context(), &ssm.LabelParameterVersionInput{Name: aws.String("/app/a"), ParameterVersion: aws.Int64(2), Labels: []string{"prod", "1bad"}}))
	for name, want := range map[string]string{
		"/app/a": "three", "/app/a:1": "one", "/app/a:prod": "two", "arn:aws:ssm:eu-west-1:123456789012:parameter/app/a:2": "two",
	} {
		got := must[*ssm.GetParameterOutput](f)(f.ssm.GetParameter(t.Context(), &ssm.GetParameterInput{Name: &name})).Parameter
		if *got.Value != want || *got.Name != "/app/a" || strings.HasSuffix(name, ":prod") && *got.Selector != ":prod" {
			t.Errorf("%s is %+v", name, got)
		}
	}
	_, err := f.ssm.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/app/a:9")})
	f.refused(err, "ParameterVersionNotFound", "version 9 of /app/a")
	history := must[*ssm.GetParameterHistoryOutput](f)(f.ssm.GetParameterHistory(t.Context(), &ssm.GetParameterHistoryInput{Name: aws.String("/app/a"), MaxResults: aws.Int32(2)}))
	if len(history.Parameters) != 2 || history.NextToken == nil || *history.Parameters[1].Value != "two" || len(history.Parameters[1].Labels) != 1 {
		t.Errorf("history: %+v", history.Parameters)
	}
	must[*ssm.PutParameterOutput](f)(f.ssm.PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: aws.String("/app/deep/s"), Value: aws.String("x"), Type: ssmtypes.ParameterTypeSecureString, Tags: []ssmtypes.Tag{{Key: aws.String("team"), Value: aws.String("web")}},
	}))
	for want, filter := range map[string]ssmtypes.ParameterStringFilter{
		"/app/a":      {Key: aws.String("Name"), Option: aws.String("Contains"), Values: []string{"pp/a"}},
		"/app/deep/s": {Key: aws.String("tag:team"), Values: []string{"web"}},
		"":            {Key: aws.String("Name"), Values: []string{"/app"}},
	} {
		got := must[*ssm.DescribeParametersOutput](f)(f.ssm.DescribeParameters(t.Context(), &ssm.DescribeParametersInput{ParameterFilters: []ssmtypes.ParameterStringFilter{filter}}))
		var names []string
		for _, p := range got.Parameters {
			names = append(names, *p.Name)
		}
		if strings.Join(names, " ") != strings.TrimSpace(want) {
			t.Errorf("%s %q: %q, want %q", *filter.Key, filter.Values, names, want)
		}
	}
	_, err = f.ssm.DescribeParameters(t.Context(), &ssm.DescribeParametersInput{ParameterFilters: []ssmtypes.ParameterStringFilter{{Key: aws.String("Colour"), Values: []string{"red"}}}})
	f.refused(err, "InvalidFilterKey")
	_, err = f.ssm.PutParameter(t.Context(), &ssm.PutParameterInput{Name: aws.String("/app/a"), Value: aws.String("x"), Type: ssmtypes.ParameterTypeSecureString, Overwrite: aws.Bool(true)})
	f.refused(err, "HierarchyTypeMismatchException")
}
