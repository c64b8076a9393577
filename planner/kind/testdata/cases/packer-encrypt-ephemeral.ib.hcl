# hashicorp/packer#1500, hashicorp/packer#2360
source "amazon-ebs" "web" {
  region               = "us-east-1"
  ami_name             = "web-{{timestamp}}"
  instance_type        = "t3.medium"
  source_ami           = "ami-0123456789abcdef0"
  iam_instance_profile = "EC2InstanceProfileForImageBuilder"
  encrypt_boot = true
  launch_block_device_mappings {
    device_name = "/dev/xvda"
    volume_size = 20
  }
  launch_block_device_mappings {
    device_name  = "/dev/sdb"
    virtual_name = "ephemeral0"
  }
}
build {
  name    = "web"
  sources = ["source.amazon-ebs.web"]
  provisioner "shell" { inline = ["echo ok"] }
}
