# A web server on Debian, tested with curl. Nothing of it needs AWS:
#
#   sudo debootstrap --variant=minbase bookworm /tmp/debian
#   sudo imagebuild test --root dir:/tmp/debian .

imagebuild {
  region = "eu-west-1"
}

source "imagebuilder" "web" {
  parent_image          = "ssm:/aws/service/debian/release/12/latest/amd64"
  instance_types        = ["t3.small"]
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
}

build {
  name    = "web"
  sources = ["source.imagebuilder.web"]

  provisioner "shell" {
    inline = [
      "apt-get update",
      "DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends nginx-light curl",
    ]
  }

  provisioner "file" {
    content     = "Served by an image\n"
    destination = "/var/www/html/index.html"
  }

  validate "shell" {
    inline = ["nginx -t"]
  }

  # Where systemd is not running, as in imagebuild test, the server is started by hand.
  test "shell" {
    inline = [
      "if [ -d /run/systemd/system ]; then systemctl start nginx; else nginx; fi",
      "test \"$(curl -fsS --retry 5 --retry-connrefused localhost)\" = 'Served by an image'",
    ]
  }
}
