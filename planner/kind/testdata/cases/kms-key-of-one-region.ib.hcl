# hashicorp/packer#4249, hashicorp/packer-plugin-amazon#270
imagebuild { region = "eu-west-1" }
source "imagebuilder" "web" {
  parent_image          = "aws:amazon-linux-2023-x86"
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
  regions               = ["eu-west-1", "eu-central-1"]
  ami_distribution_configuration {
    kms_key_id = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }
}
build {
  name    = "web"
  sources = ["source.imagebuilder.web"]
  provisioner "shell" { inline = ["echo ok"] }
}
