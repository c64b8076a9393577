# A Windows web server: PowerShell inline and from a file, a restart, a managed component, and a test.

imagebuild {
  region = "eu-west-1"
}

source "imagebuilder" "iis" {
  parent_image          = "aws:windows-server-2022-english-full-base-x86"
  instance_types        = ["m7i.large"]
  instance_profile_name = "EC2InstanceProfileForImageBuilder"

  block_device_mapping {
    device_name = "/dev/sda1"

    ebs {
      volume_size = 60
      volume_type = "gp3"
      throughput  = 250
    }
  }
}

build {
  name    = "iis"
  sources = ["source.imagebuilder.iis"]

  component "aws:update-windows" {}

  provisioner "powershell" {
    inline = [
      "$ErrorActionPreference = 'Stop'",
      "Install-WindowsFeature -Name Web-Server -IncludeManagementTools",
    ]
  }

  provisioner "windows-restart" {}

  provisioner "powershell" {
    name             = "site"
    script           = "scripts/site.ps1"
    environment_vars = ["SITE_TITLE=Built by imagebuild"]
    valid_exit_codes = [0, 3010]
    max_retries      = 1
  }

  provisioner "windows-shell" {
    inline = ["dir C:\\inetpub\\wwwroot"]
  }

  test "powershell" {
    inline = ["if ((Invoke-WebRequest -UseBasicParsing http://localhost/).StatusCode -ne 200) { exit 1 }"]
  }
}
