# hashicorp/packer#9427, hashicorp/packer#12096, hashicorp/packer#7346
source "amazon-ebs" "web" {
  region               = "us-east-1"
  ami_name             = "web-{{timestamp}}"
  instance_type        = "t3.medium"
  source_ami           = "ami-0123456789abcdef0"
  iam_instance_profile = "EC2InstanceProfileForImageBuilder"
  ami_regions          = ["us-east-1", "eu-central-1"]
  encrypt_boot         = true
  region_kms_key_ids = {
    us-east-1    = "alias/us-east-1-kms"
    eu-central-1 = "alias/eu-central-1-kms"
  }
  launch_block_device_mappings {
    device_name = "/dev/xvda"
    volume_size = 20
    volume_type = "gp3"
  }
  ami_users = ["111122223333"]
}
build {
  name    = "web"
  sources = ["source.amazon-ebs.web"]
  provisioner "shell" { inline = ["echo ok"] }
}
