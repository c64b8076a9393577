# hashicorp/packer-plugin-amazon#141
source "amazon-ebs" "web" {
  region               = "us-east-1"
  ami_name             = "web-{{timestamp}}"
  instance_type        = "t3.medium"
  source_ami           = "ami-0123456789abcdef0"
  iam_instance_profile = "EC2InstanceProfileForImageBuilder"
  run_tags = {
    Name      = "app_deploy"
    CreatedBy = "Packer"
    Env       = "prod"
  }
  run_volume_tags = { Name = "app_deploy" }
}
build {
  name    = "web"
  sources = ["source.amazon-ebs.web"]
  provisioner "shell" { inline = ["echo ok"] }
}
