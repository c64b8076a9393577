# hashicorp/packer#2182, hashicorp/packer#4761
source "amazon-ebs" "web" {
  region               = "us-east-1"
  ami_name             = "org/web (hvm) {{timestamp}}"
  instance_type        = "t3.medium"
  source_ami           = "ami-0123456789abcdef0"
  iam_instance_profile = "EC2InstanceProfileForImageBuilder"

}
build {
  name    = "web"
  sources = ["source.amazon-ebs.web"]
  provisioner "shell" { inline = ["echo ok"] }
}
