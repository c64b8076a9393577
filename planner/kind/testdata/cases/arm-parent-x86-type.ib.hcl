# aws/aws-parallelcluster#2470, hashicorp/packer#11429
imagebuild { region = "eu-west-1" }
source "imagebuilder" "web" {
  parent_image          = "aws:amazon-linux-2023-arm64"
  instance_types        = ["t3.medium"]
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
}
build {
  name    = "web"
  sources = ["source.imagebuilder.web"]
  provisioner "shell" { inline = ["echo ok"] }
}
