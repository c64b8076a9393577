# One base image and three images made from it. The graph crosses builds: nothing above the base starts
# before the base is there, and a change of the base is a change of all three.

imagebuild {
  region = "eu-west-1"
}

locals {
  profile = "EC2InstanceProfileForImageBuilder"

  roles = {
    api    = { type = "t3.small", port = 8080 }
    web    = { type = "t3.small", port = 8443 }
    worker = { type = "c7i.large", port = 9000 }
  }
}

source "imagebuilder" "base" {
  parent_image          = "aws:amazon-linux-2023-x86"
  instance_types        = ["t3.small"]
  instance_profile_name = local.profile
}

build {
  name    = "base"
  sources = ["source.imagebuilder.base"]

  provisioner "shell" {
    inline = [
      "install -d -m 0755 /etc/golden",
      "echo base > /etc/golden/release",
    ]
  }

  test "shell" {
    inline = ["grep -qx base /etc/golden/release"]
  }
}

source "imagebuilder" "api" {
  parent_image          = build.base.ami
  instance_types        = [local.roles.api.type]
  instance_profile_name = local.profile
}

source "imagebuilder" "web" {
  parent_image          = build.base.ami
  instance_types        = [local.roles.web.type]
  instance_profile_name = local.profile
}

source "imagebuilder" "worker" {
  parent_image          = build.base.ami
  instance_types        = [local.roles.worker.type]
  instance_profile_name = local.profile
}

build {
  name    = "api"
  sources = ["source.imagebuilder.api"]

  provisioner "shell" {
    inline = ["echo PORT=${local.roles.api.port} > /etc/golden/api.env"]
  }

  test "shell" {
    inline = ["grep -qx base /etc/golden/release", "grep -qx PORT=${local.roles.api.port} /etc/golden/api.env"]
  }
}

build {
  name    = "web"
  sources = ["source.imagebuilder.web"]

  provisioner "shell" {
    inline = ["echo PORT=${local.roles.web.port} > /etc/golden/web.env"]
  }

  test "shell" {
    inline = ["grep -qx base /etc/golden/release", "grep -qx PORT=${local.roles.web.port} /etc/golden/web.env"]
  }
}

build {
  name    = "worker"
  sources = ["source.imagebuilder.worker"]

  provisioner "shell" {
    inline = ["echo PORT=${local.roles.worker.port} > /etc/golden/worker.env"]
  }

  test "shell" {
    inline = ["grep -qx base /etc/golden/release", "grep -qx PORT=${local.roles.worker.port} /etc/golden/worker.env"]
  }
}
