//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// BenchmarkVersion, BenchmarkValidate and BenchmarkPlan time the real program as whole cold processes:
// ms is the wall time, cpu-ms what all processors spent on it, which says more on a machine with other
// work, and MiB the peak of resident memory.
func BenchmarkVersion(b *testing.B) { benchmarkProcess(b, b.TempDir(), "version") }

// BenchmarkValidate checks 100 builds; at most 100 ms and 60 MiB were promised.
func BenchmarkValidate(b *testing.B) {
	benchmarkProcess(b, builds(b, 100), "validate", ".")
}

// BenchmarkPlan plans 1,000 images, 5,000 nodes, offline; at most 300 ms and 120 MiB were promised.
func BenchmarkPlan(b *testing.B) {
	benchmarkProcess(b, builds(b, 1000), "plan", "--offline", "--json", ".")
}

// BenchmarkValidateErrors and BenchmarkValidateWarnings check sources with one misspelt argument each, and
// amazon-ebs sources with one warning each: of 1,000, less than 1 s and 500 ms of processor time were promised, and
// 150 MiB.
func BenchmarkValidateErrors(b *testing.B) {
	benchmarkProcess(b, written(b, 1000, "source \"imagebuilder\" \"s%[1]d\" {\n  parent_image          = \"ami-0123456789abcdef0\"\n  instance_profile_name = \"profile\"\n"+
		"  regoins               = [\"eu-west-1\"]\n}\n"), "validate", ".")
}

func BenchmarkValidateWarnings(b *testing.B) {
	benchmarkProcess(b, written(b, 1000, "source \"amazon-ebs\" \"s%[1]d\" {\n  source_ami    = \"ami-0123456789abcdef0\"\n  ami_name      = \"image-%[1]d\"\n  instance_type = \"t3.micro\"\n"+
		"  ssh_username  = \"ec2-user\"\n  iam_instance_profile = \"profile\"\n}\nbuild {\n  name    = \"image-%[1]d\"\n  sources = [\"source.amazon-ebs.s%[1]d\"]\n"+
		"  provisioner \"shell\" {\n    inline = [\"echo hi\"]\n  }\n}\n"), "validate", ".")
}

// written writes a configuration of n blocks, numbered.
func written(b *testing.B, n int, block string) string {
	b.Helper()
	var s strings.Builder
	for i := range n {
		fmt.Fprintf(&s, block, i)
	}
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "blocks.pkr.hcl"), []byte(s.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	return dir
}

// benchmarkProcess runs the program in dir again and again. A configuration may be wrong.
func benchmarkProcess(b *testing.B, dir string, args ...string) {
	b.Helper()
	program := filepath.Join(b.TempDir(), "imagebuild")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	var wall, cpu time.Duration
	var peak int64
	for b.Loop() {
		c := exec.CommandContext(b.Context(), program, args...)
		c.Dir, c.Env = dir, []string{"HOME=" + dir}
		var errs strings.Builder
		c.Stderr = &errs
		start := time.Now()
		if err := c.Run(); err != nil && c.ProcessState.ExitCode() != statusMistake {
			b.Fatalf("%v\n%s", err, errs.String())
		}
		wall += time.Since(start)
		cpu += c.ProcessState.UserTime() + c.ProcessState.SystemTime()
		if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
			peak = max(peak, u.Maxrss)
		}
	}
	b.ReportMetric(float64(wall.Milliseconds())/float64(b.N), "ms")
	b.ReportMetric(float64(cpu.Milliseconds())/float64(b.N), "cpu-ms")
	b.ReportMetric(float64(peak)/1024, "MiB")
}

// builds writes a configuration of n builds, five nodes each: a component of three steps and a test, a
// recipe, an infrastructure and a distribution configuration, and an image.
func builds(b *testing.B, n int) string {
	b.Helper()
	var s strings.Builder
	s.WriteString("imagebuild {\n  region = \"eu-west-1\"\n}\n\nlocals {\n  profile = \"EC2InstanceProfileForImageBuilder\"\n}\n")
	for i := range n {
		fmt.Fprintf(&s, `
source "imagebuilder" "web%[1]d" {
  parent_image          = "ami-0123456789abcdef0"
  instance_types        = ["t3.medium"]
  instance_profile_name = local.profile
  regions               = ["eu-west-1", "eu-central-1"]
  tags                  = { team = "web" }
}

build {
  name    = "web%[1]d"
  sources = ["source.imagebuilder.web%[1]d"]

  provisioner "shell" {
    inline = ["dnf -y install httpd", "echo %[1]d > /etc/number"]
  }

  provisioner "file" {
    content     = "number %[1]d\n"
    destination = "/etc/web"
  }

  provisioner "shell" {
    inline = ["systemctl enable httpd"]
  }

  test "shell" {
    inline = ["curl -fsS localhost"]
  }
}
`, i)
	}
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "builds.ib.hcl"), []byte(s.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	return dir
}
