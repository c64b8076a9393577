package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/appstream"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/appstream/types"

	"github.com/org/imagebuild-action/internal/sandbox"
)

func TestStreamFleets(t *testing.T) {
	f, now := slow(t, sandbox.Options{})
	must[*appstream.CreateFleetOutput](f)(f.app.CreateFleet(t.Context(), &appstream.CreateFleetInput{
		Name: aws.String("cad"), ImageName: aws.String(base), InstanceType: aws.String("stream.standard.medium"), ComputeCapacity: &streamtypes.ComputeCapacity{DesiredInstances: aws.Int32(2)},
	}))
	update := func(edit func(*appstream.UpdateFleetInput)) error {
		in := &appstream.UpdateFleetInput{Name: aws.String("cad")}
		edit(in)
		_, err := f.app.UpdateFleet(t.Context(), in)
		return err
	}
	describe := func() streamtypes.Fleet {
		t.Helper()
		return must[*appstream.DescribeFleetsOutput](f)(f.app.DescribeFleets(t.Context(), &appstream.DescribeFleetsInput{Names: []string{"cad"}})).Fleets[0]
	}
	size := func(in *appstream.UpdateFleetInput) { in.InstanceType = aws.String("stream.standard.large") }
	newer := func(in *appstream.UpdateFleetInput) { in.ImageName = aws.String("AppStream-WinServer2022-05-28-2026") }
	system := func(in *appstream.UpdateFleetInput) { in.ImageName = aws.String("AppStream-WinServer2019-05-28-2026") }
	if err := update(size); err != nil {
		t.Errorf("STOPPED: %v", err)
	}
	must[*appstream.StartFleetOutput](f)(f.app.StartFleet(t.Context(), &appstream.StartFleetInput{Name: aws.String("cad")}))
	f.refused(update(newer), "OperationNotPermittedException", "STARTING")
	if err := appstream.NewFleetStartedWaiter(f.app).Wait(t.Context(), &appstream.DescribeFleetsInput{Names: []string{"cad"}}, time.Millisecond); err == nil {
		t.Error("the fleet has started before its time")
	}
	now.pass(time.Minute)
	f.refused(update(size), "OperationNotPermittedException", "InstanceType of a RUNNING fleet")
	f.refused(update(system), "OperationNotPermittedException", "operating system")
	if err := update(newer); err != nil {
		t.Errorf("RUNNING: %v", err)
	}
	if got := describe(); !strings.HasSuffix(*got.ImageArn, "::image/AppStream-WinServer2022-05-28-2026") || *got.ComputeCapacityStatus.Running != 2 || *got.InstanceType != "stream.standard.large" {
		t.Errorf("the fleet is %+v", got)
	}
	must[*appstream.CreateStackOutput](f)(f.app.CreateStack(t.Context(), &appstream.CreateStackInput{Name: aws.String("desk")}))
	must[*appstream.AssociateFleetOutput](f)(f.app.AssociateFleet(t.Context(), &appstream.AssociateFleetInput{FleetName: aws.String("cad"), StackName: aws.String("desk")}))
	names := must[*appstream.ListAssociatedStacksOutput](f)(f.app.ListAssociatedStacks(t.Context(), &appstream.ListAssociatedStacksInput{FleetName: aws.String("cad")})).Names
	if len(names) != 1 || names[0] != "desk" {
		t.Errorf("stacks %v", names)
	}
	_, err := f.app.DeleteStack(t.Context(), &appstream.DeleteStackInput{Name: aws.String("desk")})
	f.refused(err, "ResourceInUseException", "the fleet cad")
	_, err = f.app.DeleteFleet(t.Context(), &appstream.DeleteFleetInput{Name: aws.String("cad")})
	f.refused(err, "ResourceInUseException", "RUNNING")
	must[*appstream.StopFleetOutput](f)(f.app.StopFleet(t.Context(), &appstream.StopFleetInput{Name: aws.String("cad")}))
	now.pass(time.Minute)
	_, err = f.app.DeleteFleet(t.Context(), &appstream.DeleteFleetInput{Name: aws.String("cad")})
	f.refused(err, "ResourceInUseException", "stack")
	must[*appstream.DisassociateFleetOutput](f)(f.app.DisassociateFleet(t.Context(), &appstream.DisassociateFleetInput{FleetName: aws.String("cad"), StackName: aws.String("desk")}))
	must[*appstream.DeleteFleetOutput](f)(f.app.DeleteFleet(t.Context(), &appstream.DeleteFleetInput{Name: aws.String("cad")}))
	must[*appstream.DeleteStackOutput](f)(f.app.DeleteStack(t.Context(), &appstream.DeleteStackInput{Name: aws.String("desk")}))
}

func TestStreamDirectory(t *testing.T) {
	f, _ := slow(t, sandbox.Options{Dir: t.TempDir()})
	const unit = "OU=AppStream,DC=corp,DC=example"
	made := must[*appstream.CreateDirectoryConfigOutput](f)(f.app.CreateDirectoryConfig(t.Context(), &appstream.CreateDirectoryConfigInput{
		DirectoryName: aws.String("corp.example"), OrganizationalUnitDistinguishedNames: []string{unit},
		ServiceAccountCredentials: &streamtypes.ServiceAccountCredentials{AccountName: aws.String(`CORP\join`), AccountPassword: aws.String("secret-word")},
	}))
	got := must[*appstream.DescribeDirectoryConfigsOutput](f)(f.app.DescribeDirectoryConfigs(t.Context(), &appstream.DescribeDirectoryConfigsInput{})).DirectoryConfigs[0]
	for _, c := range []*streamtypes.ServiceAccountCredentials{made.DirectoryConfig.ServiceAccountCredentials, got.ServiceAccountCredentials} {
		if c.AccountPassword != nil || *c.AccountName != `CORP\join` {
			t.Errorf("credentials are shown as %+v", c)
		}
	}
	join := func(ou string) func(*appstream.CreateImageBuilderInput) {
		return func(in *appstream.CreateImageBuilderInput) {
			in.DomainJoinInfo = &streamtypes.DomainJoinInfo{DirectoryName: aws.String("corp.example"), OrganizationalUnitDistinguishedName: &ou}
		}
	}
	in := &appstream.CreateImageBuilderInput{Name: aws.String("b"), InstanceType: aws.String("stream.standard.medium"), ImageName: aws.String(base)}
	join("OU=Other")(in)
	_, err := f.app.CreateImageBuilder(t.Context(), in)
	f.refused(err, "InvalidParameterCombinationException", "OU=Other")
	f.builder("b", join(unit))
	_, err = f.app.DeleteDirectoryConfig(t.Context(), &appstream.DeleteDirectoryConfigInput{DirectoryName: aws.String("corp.example")})
	f.refused(err, "ResourceInUseException", "the image builder b")
}

func TestStreamSoftware(t *testing.T) {
	f, now := slow(t, sandbox.Options{Faults: faults(t, `[{"operation":"StartSoftwareDeploymentToImageBuilder","first":2,"effect":"fail","code":"DISK","message":"full"}]`)})
	const office, project = "Microsoft_Office_2024_LTSC_Standard_64Bit", "Microsoft_Project_2024_Standard_64Bit"
	f.builder("b", func(in *appstream.CreateImageBuilderInput) { in.SoftwaresToInstall = []string{office} })
	var states []string
	for range 4 {
		states = append(states, string(f.describeBuilder("b").State))
		now.pass(time.Minute)
	}
	if got := strings.Join(states, " "); got != "PENDING PENDING_SYNCING_APPS SYNCING_APPS RUNNING" {
		t.Errorf("went through %s", got)
	}
	arn := f.describeBuilder("b").Arn
	status := func() (out []string) {
		t.Helper()
		for _, s := range must[*appstream.DescribeSoftwareAssociationsOutput](f)(f.app.DescribeSoftwareAssociations(t.Context(), &appstream.DescribeSoftwareAssociationsInput{AssociatedResource: arn})).SoftwareAssociations {
			out = append(out, string(s.Status))
		}
		return out
	}
	deploy := func() {
		t.Helper()
		must[*appstream.StartSoftwareDeploymentToImageBuilderOutput](f)(f.app.StartSoftwareDeploymentToImageBuilder(t.Context(), &appstream.StartSoftwareDeploymentToImageBuilderInput{ImageBuilderName: aws.String("b")}))
	}
	must[*appstream.DisassociateSoftwareFromImageBuilderOutput](f)(f.app.DisassociateSoftwareFromImageBuilder(t.Context(), &appstream.DisassociateSoftwareFromImageBuilderInput{ImageBuilderName: aws.String("b"), SoftwareNames: []string{office}}))
	deploy()
	got := append(status(), string(f.describeBuilder("b").State))
	now.pass(time.Hour)
	got = append(got, status()...)
	must[*appstream.AssociateSoftwareToImageBuilderOutput](f)(f.app.AssociateSoftwareToImageBuilder(t.Context(), &appstream.AssociateSoftwareToImageBuilderInput{ImageBuilderName: aws.String("b"), SoftwareNames: []string{project}}))
	got = append(got, status()...)
	deploy()
	now.pass(time.Hour)
	got = append(got, status()...)
	if want := "PENDING_UNINSTALLATION PENDING_SYNCING_APPS STAGED_FOR_INSTALLATION FAILED_TO_INSTALL"; strings.Join(got, " ") != want {
		t.Errorf("went through %v, want %s", got, want)
	}
}
