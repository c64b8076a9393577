# A Windows image that AppStream accepts for import: EBS-backed with a gp3 root of at most 500 GB,
# unencrypted, without TPM. The AMI it makes is the --source-ami-id of
#
#   aws appstream create-imported-image --name desktop --source-ami-id ami-… --iam-role-arn arn:…

imagebuild {
  region = "eu-west-1"
}

source "imagebuilder" "desktop" {
  parent_image          = "aws:windows-server-2022-english-full-base-x86"
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
