# A Windows image that AppStream accepts for import: UEFI and TPM 2.0, as the base image has them, and one
# gp3 volume of at most 500 GB, unencrypted. The AMI it makes is the --source-ami-id of
#
#   aws appstream create-imported-image --name desktop --source-ami-id ami-… --iam-role-arn arn:…

imagebuild {
  region = "eu-west-1"
}

source "imagebuilder" "desktop" {
  parent_image          = "ssm:/aws/service/ami-windows-latest/TPM-Windows_Server-2022-English-Full-Base"
  instance_types        = ["m7i.large"]
  instance_profile_name = "EC2InstanceProfileForImageBuilder"

  block_device_mapping {
    device_name = "/dev/sda1"

    ebs {
      volume_size           = 200
      volume_type           = "gp3"
      encrypted             = false
      delete_on_termination = true
    }
  }
}

build {
  name    = "desktop"
  sources = ["source.imagebuilder.desktop"]

  component "aws:update-windows" {}

  provisioner "powershell" {
    inline = [
      "$ErrorActionPreference = 'Stop'",
      "New-Item -ItemType Directory -Force -Path C:\\Apps | Out-Null",
    ]
  }

  test "powershell" {
    inline = ["if (-not (Test-Path C:\\Apps)) { exit 1 }"]
  }
}
