# The classic: install a web server, fetch its pages from S3, enable it, and test it with curl.
# It runs on Amazon Linux, Debian and Ubuntu alike, so that the sandbox can build it on any of them.

imagebuild {
  region = "eu-west-1"

  staging {
    bucket = "imagebuild-staging" # where the pages travel; the instance profile must be able to read it
  }
}

source "imagebuilder" "httpd" {
  parent_image          = "aws:amazon-linux-2023-x86"
  instance_types        = ["t3.medium"]
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
  regions               = ["eu-west-1"]
}

build {
  name    = "httpd"
  sources = ["source.imagebuilder.httpd"]

  provisioner "shell" {
    name    = "install"
    timeout = "15m"
    script  = "install.sh"
  }

  provisioner "file" {
    source      = "site/"
    destination = "/var/www/html"
  }

  provisioner "shell" {
    name   = "enable"
    script = "enable.sh"
  }

  validate "shell" {
    inline = ["test -s /var/www/html/index.html"]
  }

  test "shell" {
    script = "test.sh"
  }
}
