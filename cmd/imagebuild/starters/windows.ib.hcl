# A Windows image. Plan it:        imagebuild plan .
# Build it on AWS:                 imagebuild build .

imagebuild {
  region = "eu-west-1"
}

source "imagebuilder" "server" {
  parent_image          = "aws:windows-server-2022-english-full-base-x86"
  instance_types        = ["m7i.large"]
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
}

build {
  name    = "windows-server"
  sources = ["source.imagebuilder.server"]

  component "aws:update-windows" {}

  provisioner "powershell" {
    inline = [
      "$ErrorActionPreference = 'Stop'",
      "Install-WindowsFeature -Name Web-Server",
    ]
  }

  provisioner "windows-restart" {}

  test "powershell" {
    inline = ["if (-not (Get-WindowsFeature Web-Server).Installed) { exit 1 }"]
  }
}
