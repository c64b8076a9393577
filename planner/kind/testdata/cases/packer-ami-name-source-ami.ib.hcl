# hashicorp/packer#6791
source "amazon-ebs" "web" {
  region               = "us-east-1"
  ami_name             = "web-{{ .SourceAMI }}-{{ isotime `2006-01-02` }}"
  instance_type        = "t3.medium"
  source_ami           = "ami-0123456789abcdef0"
  iam_instance_profile = "EC2InstanceProfileForImageBuilder"

}
build {
  name    = "web"
  sources = ["source.amazon-ebs.web"]
  provisioner "shell" { inline = ["echo ok"] }
}
