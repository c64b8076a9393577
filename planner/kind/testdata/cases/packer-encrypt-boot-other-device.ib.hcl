# hashicorp/packer#4313
source "amazon-ebs" "web" {
  region               = "us-east-1"
  ami_name             = "web-{{timestamp}}"
  instance_type        = "t3.medium"
  source_ami           = "ami-0123456789abcdef0"
  iam_instance_profile = "EC2InstanceProfileForImageBuilder"
  encrypt_boot = true
  kms_key_id   = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  launch_block_device_mappings {
    device_name           = "/dev/sdf"
    volume_size           = 100
    delete_on_termination = true
  }
}
build {
  name    = "web"
  sources = ["source.amazon-ebs.web"]
  provisioner "shell" { inline = ["echo ok"] }
}
