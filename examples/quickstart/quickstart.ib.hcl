# One image: a file, a script and a test.
#
#   imagebuild plan examples/quickstart               what would be made, without an account
#   imagebuild build --sandbox examples/quickstart    make it on this machine, without an account

imagebuild {
  region = "eu-west-1"
}

variable "greeting" {
  type        = string
  default     = "Hello from an image"
  description = "What the image says."
}

source "imagebuilder" "hello" {
  parent_image          = "aws:amazon-linux-2023-x86"
  instance_types        = ["t3.small"]
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
  tags                  = { team = "platform" }
}

build {
  name    = "hello"
  sources = ["source.imagebuilder.hello"]

  provisioner "file" {
    content     = "${var.greeting}\n"
    destination = "/etc/hello.txt"
  }

  provisioner "shell" {
    inline = [
      "install -d /usr/local/bin",
      "printf '#!/bin/sh\\ncat /etc/hello.txt\\n' > /usr/local/bin/hello",
      "chmod 0755 /usr/local/bin/hello",
      "uname -sr",
    ]
  }

  test "shell" {
    inline = ["/usr/local/bin/hello | grep -F '${var.greeting}'"]
  }
}
