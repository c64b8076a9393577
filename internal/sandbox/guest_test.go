package sandbox_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/appstream"
	"github.com/aws/aws-sdk-go-v2/service/appstream/types"
	"github.com/masterzen/winrm"

	"github.com/org/imagebuild-action/internal/sandbox"
)

const assistant = `"C:\Program Files\Amazon\Photon\ConsoleImageBuilder\image-assistant.exe" `

// inside starts an image builder and returns its address.
func inside(t *testing.T, opts sandbox.Options) string {
	t.Helper()
	opts.Self, opts.Root, opts.AppStream.StateTimes = os.Args[0], "none", map[string]time.Duration{"": time.Millisecond}
	s, err := sandbox.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if closing := s.Close(); closing != nil {
			t.Error(closing)
		}
	})
	url, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := appstream.New(appstream.Options{Region: "eu-west-1", BaseEndpoint: &url, Credentials: aws.AnonymousCredentials{}})
	base := ""
	pages := appstream.NewDescribeImagesPaginator(c, &appstream.DescribeImagesInput{Type: types.VisibilityTypePublic})
	for pages.HasMorePages() {
		page, failed := pages.NextPage(t.Context())
		if failed != nil {
			t.Fatal(failed)
		}
		for _, i := range page.Images {
			if i.State == types.ImageStateAvailable && strings.HasPrefix(*i.Name, "AppStream-WinServer2022-") {
				base = *i.Name
			}
		}
	}
	_, err = c.CreateImageBuilder(t.Context(), &appstream.CreateImageBuilderInput{
		Name: aws.String("inside-" + strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-"))), ImageName: &base, InstanceType: aws.String("stream.standard.medium"),
		VpcConfig: &types.VpcConfig{SubnetIds: []string{"subnet-1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for {
		out, err := c.DescribeImageBuilders(t.Context(), &appstream.DescribeImageBuildersInput{})
		if err != nil {
			t.Fatal(err)
		}
		if b := out.ImageBuilders[0]; b.State == types.ImageBuilderStateRunning {
			return *b.NetworkAccessConfiguration.EniPrivateIpAddress
		}
	}
}

// Image Assistant's messages, statuses and banners, over each logon that the library itself has.
func TestImageAssistant(t *testing.T) {
	address := inside(t, sandbox.Options{GuestUser: "me", GuestPassword: "p w"})
	sealed := func() winrm.Transporter {
		e, err := winrm.NewEncryption("ntlm")
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	clients := map[string]*winrm.Client{}
	for name, c := range map[string]struct {
		https     bool
		transport func() winrm.Transporter
	}{
		"basic": {true, nil},
		"ntlm":  {true, func() winrm.Transporter { return &winrm.ClientNTLM{} }},
		"seal":  {false, sealed},
	} {
		params := *winrm.DefaultParameters
		params.TransportDecorator = c.transport
		client, err := winrm.NewClientWithParameters(winrm.NewEndpoint(address, map[bool]int{true: 5986, false: 5985}[c.https], c.https, true, nil, nil, nil, time.Minute), "me", "p w", &params)
		if err != nil {
			t.Fatal(err)
		}
		clients[name] = client
	}
	add := "add-application --name x --absolute-app-path "
	for _, tt := range []struct {
		client, line string
		exit         int
		want         string
	}{
		{"basic", assistant + "list-applications", 0, `{"status":0,"message":"Success","applications":[]}`},
		{"ntlm", assistant + "optimize", 1, "Verb 'optimize' is not recognized."},
		{"seal", assistant + "create-default-settings", 1, "ConsoleImageBuilder 4.0.0.886"},
		{"seal", assistant + "add-application --name x", 1, "Required option 'absolute-app-path' is missing."},
		{"seal", assistant + add + `C:\x.msi`, 1, `{"status":1,"message":"Unsupported file extension"}`},
		{"basic", assistant + add + `C:\x.exe`, 1, `{"status":1,"message":"File not found (absolute-app-path)"}`},
		{"basic", assistant + add + `C:\x.exe --launch-parameters -file`, 1, "Option 'launch-parameters' has no value."},
		{"basic", assistant + "remove-application --name x", 1, `{"status":1,"message":"App not found"}`},
		{"basic", assistant + `update-default-profile --profile CORP\me`, 1, "Cannot copy a domain user when not joined to a domain"},
		{"basic", assistant + "create-image --name aws-x --dry-run", 1, `{"status":1,`},
		{"basic", assistant + "create-image --name mine --tags a --dry-run", 1, "Invalid value (tags)"},
		{"seal", "powershell -Command Get-Date", 20050, ""}, // from here on nothing is known of files
		{"ntlm", assistant + add + `C:\x.exe --launch-parameters " -file y"`, 0, `{"status":0,"message":"Success"}`},
		{"basic", assistant + add + `C:\x.exe`, 1, `{"status":1,"message":"Name is not unique"}`},
		{"basic", assistant + "list-applications", 0, `"LaunchParameters":"-file y"`},
		{"basic", assistant + "create-image --name mine --dry-run", 0, `{"status":0,"message":"Success"}`},
	} {
		stdout, stderr, exit, err := clients[tt.client].RunCmdWithContext(t.Context(), tt.line)
		if err != nil || exit != tt.exit || !strings.Contains(stdout, tt.want) {
			t.Errorf("%s: status %d, %q, %q, %v; want %d, %q", tt.line, exit, stdout, stderr, err, tt.exit, tt.want)
		}
		if exit == 20050 && !strings.HasPrefix(stderr, "NOT RUN: PowerShell is not here") {
			t.Errorf("it is not said what was not run: %q", stderr)
		}
	}
	for i := range 49 {
		if _, _, exit, err := clients["basic"].RunCmdWithContext(t.Context(), fmt.Sprintf(`%sadd-application --name y%d --absolute-app-path C:\y.bat`, assistant, i)); exit != 0 || err != nil {
			t.Fatalf("application %d: %d, %v", i, exit, err)
		}
	}
	if out, _, exit, _ := clients["basic"].RunCmdWithContext(t.Context(), assistant+`add-application --name z --absolute-app-path C:\z.exe`); exit != 1 || !strings.Contains(out, "Unable to add more than 50 apps to the catalog.") {
		t.Errorf("the 51st application: %d, %s", exit, out)
	}
	wrong, err := winrm.NewClient(winrm.NewEndpoint(address, 5986, true, true, nil, nil, nil, time.Minute), "me", "wrong")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wrong.CreateShell(); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("a wrong password is answered with %v", err)
	}
}

// create-image is answered, and the client can end its command and its shell, before the machine stops.
func TestImageAssistantAnswers(t *testing.T) {
	address := inside(t, sandbox.Options{})
	for _, attempt := range []struct {
		want string
		exit int
	}{
		{`{"status":0,"message":"Success"}`, 0},
		{`{"status":1,"message":"The image builder is not running."}`, 1}, // the machine is on its way, and says so
	} {
		client, err := winrm.NewClient(winrm.NewEndpoint(address, 5986, true, true, nil, nil, nil, time.Minute), "Administrator", "Sandbox-1")
		if err != nil {
			t.Fatal(err)
		}
		shell, err := client.CreateShell()
		if err != nil {
			t.Fatal(err)
		}
		cmd, err := shell.ExecuteWithContext(t.Context(), assistant+"create-image --name mine")
		if err != nil {
			t.Fatal(err)
		}
		out, err := io.ReadAll(cmd.Stdout)
		cmd.Wait()
		if err != nil || strings.TrimSpace(string(out)) != attempt.want || cmd.ExitCode() != attempt.exit {
			t.Errorf("create-image prints %q with status %d, %v; want %q", out, cmd.ExitCode(), err, attempt.want)
		}
		if err = cmd.Close(); err != nil {
			t.Errorf("the end of the command: %v", err)
		}
		if err = shell.Close(); err != nil {
			t.Errorf("the end of the shell: %v", err)
		}
	}
}
