# CloudSnorkel/cdk-github-runners#130, CloudSnorkel/cdk-github-runners#131
imagebuild { region = "eu-west-1" }
source "imagebuilder" "web" {
  parent_image          = "arn:aws:imagebuilder:us-east-1:aws:image/windows-server-2022-english-full-base-x86/x.x.x"
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
  sns_topic_arn         = "arn:aws:sns:us-east-1:123456789012:builds"
}
build {
  name    = "web"
  sources = ["source.imagebuilder.web"]
  component "arn:aws:imagebuilder:us-east-1:aws:component/update-windows/x.x.x" {}
}
