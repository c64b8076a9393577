# hashicorp/packer#6791
source "amazon-ebs" "web" {
  region               = "us-east-1"
  ami_name             = "web-{{timestamp}}"
  instance_type        = "t3.medium"
  source_ami           = "ami-0123456789abcdef0"
  iam_instance_profile = "EC2InstanceProfileForImageBuilder"
  ami_description = "built from {{ .SourceAMI }}"
}
build {
  name    = "web"
  sources = ["source.amazon-ebs.web"]
  provisioner "shell" { inline = ["echo ok"] }
}
