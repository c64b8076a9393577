# A Windows image that AppStream accepts for import (UEFI, a TPM, one unencrypted gp3 volume of at most 500 GB), the
# AppStream image that is made of it, and a fleet that streams it.

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
      "Copy-Item C:\\Windows\\System32\\notepad.exe C:\\Apps\\notes.exe",
    ]
  }

  test "powershell" {
    inline = ["if (-not (Test-Path C:\\Apps)) { exit 1 }"]
  }
}

source "appstream" "desktop" {
  source_ami   = build.desktop.ami
  iam_role_arn = "arn:aws:iam::123456789012:role/AppStreamImport" # trusts appstream.amazonaws.com

  application "notes" {
    path         = "C:\\Apps\\notes.exe"
    display_name = "Notes"
  }

  fleet "desktop" {
    instance_type = "GeneralPurpose.t3.large"

    compute_capacity {
      desired_instances = 1
    }
  }
}
