# A Linux image. Plan it:          imagebuild plan .
# Build it without an account:     imagebuild build --sandbox .
# Build it on AWS:                 imagebuild build .

imagebuild {
  region = "eu-west-1"
}

source "imagebuilder" "server" {
  parent_image          = "aws:amazon-linux-2023-x86"
  instance_types        = ["t3.medium"]
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
}

build {
  name    = "server"
  sources = ["source.imagebuilder.server"]

  provisioner "shell" {
    inline = [
      "mkdir -p /etc/motd.d",
      "echo 'Built by imagebuild' > /etc/motd.d/10-imagebuild",
    ]
  }

  test "shell" {
    inline = ["grep -q imagebuild /etc/motd.d/10-imagebuild"]
  }
}
