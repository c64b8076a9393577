# hashicorp/terraform-provider-aws#38507
imagebuild { region = "eu-west-1" }
source "imagebuilder" "web" {
  parent_image          = "aws:amazon-linux-2023-x86"
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
  regions               = ["eu-west-1", "eu-central-1"]
  launch_template_configuration {
    launch_template_id  = "lt-0a1b2c3d4e5f67890"
    set_default_version = true
  }
}
build {
  name    = "web"
  sources = ["source.imagebuilder.web"]
  provisioner "shell" { inline = ["echo ok"] }
}
