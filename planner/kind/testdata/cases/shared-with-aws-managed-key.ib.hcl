# hashicorp/packer#7410
imagebuild { region = "eu-west-1" }
source "imagebuilder" "web" {
  parent_image          = "aws:amazon-linux-2023-x86"
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
  block_device_mapping {
    device_name = "/dev/xvda"
    ebs {
      encrypted  = true
      kms_key_id = "arn:aws:kms:eu-west-1:123456789012:alias/aws/ebs"
    }
  }
  regions            = ["eu-west-1"]
  launch_permission { user_ids = ["111122223333"] }
}
build {
  name    = "web"
  sources = ["source.imagebuilder.web"]
  provisioner "shell" { inline = ["echo ok"] }
}
