package permissions_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/org/imagebuild-action/internal/iampolicy"
	"github.com/org/imagebuild-action/internal/permissions"
)

// TestExchange: each side may do its half and no more, whatever its own policy says.
func TestExchange(t *testing.T) {
	const machines, runner, other = "arn:aws:iam::123456789012:role/machines", "arn:aws:iam::123456789012:role/runner", "arn:aws:iam::123456789012:role/other"
	x := permissions.Exchange{
		Place: permissions.Place{Region: "eu-west-1", Account: "123456789012"}, Bucket: "jobs", Prefix: "/a/b/", Key: "secretsmanager:it's#key", Machines: []string{machines}, Runner: runner,
	}
	own := map[string]iampolicy.Document{machines: x.MachinePolicy(), runner: x.RunnerPolicy(), other: {Statement: []iampolicy.Statement{{Effect: "Allow", Action: iampolicy.Strings{"*"}, Resource: iampolicy.Strings{"*"}}}}}
	bucket := permissions.BucketPolicy(x)
	const in = "arn:aws:s3:::jobs/a/b/"
	for _, tt := range []struct {
		who, action, on string
		want            bool
	}{
		{machines, "s3:GetObject", in + "jobs/m/job.json", true},
		{machines, "s3:PutObject", in + "results/m/status.json", true},
		{machines, "s3:PutObject", in + "jobs/m/job.json", false},
		{machines, "s3:GetObject", in + "files/x", false},
		{machines, "s3:GetObject", in + "results/m/status.json", false},
		{machines, "s3:ListBucket", "arn:aws:s3:::jobs", false},
		{machines, "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:it's-AbCdEf", true},
		{runner, "s3:PutObject", in + "jobs/m/job.json", true},
		{runner, "s3:PutObject", in + "files/x", true},
		{runner, "s3:GetObject", in + "files/x", true},
		{runner, "s3:GetObject", in + "results/m/status.json", true},
		{runner, "s3:PutObject", in + "results/m/status.json", false},
		{runner, "s3:GetObject", in + "jobs/m/job.json", false},
		{runner, "s3:ListBucket", "arn:aws:s3:::jobs", true},
		{runner, "s3:GetObject", "arn:aws:s3:::jobs/elsewhere", false},
		{other, "s3:PutObject", in + "jobs/m/job.json", false},
		{other, "s3:GetObject", in + "results/m/status.json", false},
		{other, "s3:GetObject", "arn:aws:s3:::jobs/elsewhere", true},
	} {
		r := iampolicy.Request{
			Action: tt.action, Resource: tt.on, Principal: iampolicy.Principal{"AWS": {tt.who}},
			Context: map[string][]string{"aws:PrincipalArn": {tt.who}, "aws:SecureTransport": {"true"}},
		}
		allowed, err := own[tt.who].Decide(r)
		denied, err2 := bucket.Decide(r)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		if got := allowed.Allowed && denied.Denied == ""; got != tt.want {
			t.Errorf("%s %s on %s: %t (%+v, %+v)", tt.who, tt.action, tt.on, got, allowed, denied)
		}
	}
	raw, err := json.Marshal(bucket)
	if err != nil || !strings.Contains(string(raw), `"Principal":"*"`) {
		t.Errorf("%s, %v", raw, err)
	}
}

const pulled = `
appstream_image_builder "a" {
  base_image    = "AppStream-WinServer2022-"
  instance_type = "stream.standard.large"
  subnet_id     = "subnet-0123456789abcdef0"
  iam_role_arn  = "arn:aws:iam::123456789012:role/machine-a"
  s3 {
    bucket = "sessions"
    prefix = "one/"
    key    = "ssm:/job-key"
  }
  application "notepad" {
    path = "C:\\Windows\\notepad.exe"
  }
}
appstream_image_builder "b" {
  base_image    = "AppStream-WinServer2022-"
  instance_type = "stream.standard.large"
  subnet_id     = "subnet-0123456789abcdef0"
  iam_role_arn  = "arn:aws:iam::123456789012:role/machine-b"
  s3 {
    bucket = "sessions"
    prefix = "one"
    key    = "ssm:/job-key"
  }
  application "notepad" {
    path = "C:\\Windows\\notepad.exe"
  }
}
appstream_image_builder "c" {
  base_image    = "AppStream-WinServer2022-"
  instance_type = "stream.standard.large"
  subnet_id     = "subnet-0123456789abcdef0"
  iam_role_arn  = "arn:aws:iam::123456789012:role/machine-c"
  s3 {
    bucket = "sessions"
    key    = "ssm:/job-key"
  }
  application "notepad" {
    path = "C:\\Windows\\notepad.exe"
  }
}
`

// TestPulledMachines: a bucket has one policy for all machines that are worked in through it, and roles have their half.
func TestPulledMachines(t *testing.T) {
	g, place := compile(t, pulled), permissions.Place{Region: "eu-west-1", Account: "123456789012"}
	buckets := permissions.Buckets(g, place)
	if len(buckets) != 1 || buckets[0].Name != "sessions" || len(buckets[0].Reasons) != 3 || len(buckets[0].Policy.Statement) != 9 {
		t.Fatalf("%+v", buckets)
	}
	sids := map[string]iampolicy.Statement{}
	for _, s := range buckets[0].Policy.Statement {
		sids[s.Sid] = s
	}
	if len(sids) != 9 {
		t.Errorf("Sids are there twice: %+v", buckets[0].Policy)
	}
	if got := sids["JobsAreReadByMachines"]; strings.Join(got.Condition["ArnNotEquals"]["aws:PrincipalArn"], " ") != "arn:aws:iam::123456789012:role/machine-a arn:aws:iam::123456789012:role/machine-b" || got.Resource[0] != "arn:aws:s3:::sessions/one/jobs/*" {
		t.Errorf("%+v", got)
	}
	for _, r := range permissions.Of(g, place) {
		switch {
		case r.Name == "build":
			wants(t, r, "s3:PutObject on arn:aws:s3:::sessions/files/* arn:aws:s3:::sessions/jobs/* arn:aws:s3:::sessions/one/files/* arn:aws:s3:::sessions/one/jobs/*", "s3:ListBucket on arn:aws:s3:::sessions",
				"iam:PassRole on arn:aws:iam::123456789012:role/machine-a arn:aws:iam::123456789012:role/machine-b arn:aws:iam::123456789012:role/machine-c if iam:PassedToService StringEquals appstream.amazonaws.com")
		case strings.HasSuffix(r.Called, "machine-c"):
			wants(t, r, "s3:GetObject on arn:aws:s3:::sessions/jobs/*", "s3:PutObject on arn:aws:s3:::sessions/results/*", "ssm:GetParameter on arn:aws:ssm:eu-west-1:123456789012:parameter/job-key")
		}
	}
}

// TestAdminPassesWhatIsNamed: export hands the roles that the configuration names, or any, and to AppStream alone.
func TestAdminPassesWhatIsNamed(t *testing.T) {
	place := permissions.Place{Region: "eu-west-1", Account: "123456789012"}
	wants(t, permissions.Admin(compile(t, ""), place), "iam:PassRole on arn:aws:iam::123456789012:role/* if iam:PassedToService StringEquals appstream.amazonaws.com",
		"appstream:DeleteImage on arn:aws:appstream:*:123456789012:image/*", "appstream:StopImageBuilder on arn:aws:appstream:eu-west-1:123456789012:image-builder/*",
		"appstream:UpdateImagePermissions on arn:aws:appstream:*:123456789012:image/*", "appstream:DescribeImages on *")
	named := permissions.Admin(compile(t, `
appstream_export_image_task "x" {
  image_name   = "office"
  ami_name     = "office"
  iam_role_arn = "arn:aws:iam::123456789012:role/exporter"
}
`), place)
	wants(t, named, "iam:PassRole on arn:aws:iam::123456789012:role/exporter if iam:PassedToService StringEquals appstream.amazonaws.com")
	for _, g := range named.Grants {
		if permissions.Level(g.Action) == "" {
			t.Errorf("AWS has no action %s", g.Action)
		}
	}
}
