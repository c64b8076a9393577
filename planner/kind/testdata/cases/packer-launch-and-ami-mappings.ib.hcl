# hashicorp/packer#1642, compiler-explorer/infra#1171, hashicorp/packer-plugin-amazon#623
source "amazon-ebs" "web" {
  region               = "us-east-1"
  ami_name             = "app_deploy_{{timestamp}}"
  instance_type        = "t3.large"
  source_ami           = "ami-0123456789abcdef0"
  iam_instance_profile = "EC2InstanceProfileForImageBuilder"
  run_tags             = { owner = "web-team" }
  launch_block_device_mappings {
    device_name           = "/dev/xvda"
    delete_on_termination = true
    volume_size           = 30
    volume_type           = "gp2"
  }
  ami_block_device_mappings {
    device_name           = "/dev/xvda"
    delete_on_termination = true
    volume_size           = 40
    volume_type           = "gp3"
  }
}
build {
  name    = "web"
  sources = ["source.amazon-ebs.web"]
  provisioner "shell" { inline = ["echo ok"] }
}
