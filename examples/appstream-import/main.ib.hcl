# An application on AppStream, from the machine image to the fleets, in one graph: an AMI is built, imported, shared
# with two accounts and copied to another region. The pre-production fleet gets the image first, and the production
# fleet only when machines of the first have come up with it.

imagebuild {
  region = "eu-west-1"
}

variable "import_role" {
  description = "The role that AppStream reads the AMI with. It trusts appstream.amazonaws.com and may ec2:DescribeImages and ec2:ModifyImageAttribute."
  type        = string
  default     = "arn:aws:iam::123456789012:role/AppStreamImport"
}

# AppStream imports images that boot with UEFI and have a TPM: AWS's own of that kind begin with TPM-.
data "amazon-ami" "windows" {
  owners      = ["amazon"]
  most_recent = true
  filters     = { name = "TPM-Windows_Server-2022-English-Full-Base-*" }
}

source "imagebuilder" "desktop" {
  parent_image          = data.amazon-ami.windows.id
  platform              = "Windows"
  instance_types        = ["m7i.large"]
  instance_profile_name = "EC2InstanceProfileForImageBuilder"

  # One volume, not encrypted, of at most 500 GiB: anything else is not imported.
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
      "New-Item -ItemType Directory -Force -Path C:\\CAD | Out-Null",
      "Copy-Item C:\\Windows\\System32\\notepad.exe C:\\CAD\\cad.exe",
    ]
  }

  test "powershell" {
    inline = ["if (-not (Test-Path C:\\CAD\\cad.exe)) { exit 1 }"]
  }
}

source "appstream" "cad" {
  source_ami   = build.desktop.ami
  iam_role_arn = var.import_role
  display_name = "CAD"
  tags         = { team = "cad" }

  application "cad" {
    path         = "C:\\CAD\\cad.exe"
    display_name = "CAD"
  }

  share {
    account = "210987654321"
  }

  share {
    account       = "310987654321"
    image_builder = true
  }

  copy_to = ["eu-central-1"]

  fleet "cad-preprod" {
    instance_type = "GeneralPurpose.t3.large"
    fleet_type    = "ON_DEMAND"

    compute_capacity {
      desired_instances = 1
    }

    health_check {
      instances = 1
      timeout   = "45m"
    }
  }

  fleet "cad" {
    instance_type = "GeneralPurpose.t3.xlarge"
    fleet_type    = "ON_DEMAND"

    compute_capacity {
      desired_instances = 4
    }
  }

  # An account has ten images in a region. What a fleet uses or another account shares stays in any case.
  retention {
    keep = 3
  }
}
