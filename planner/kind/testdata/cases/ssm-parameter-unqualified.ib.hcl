# aws-samples/cdk-image-pipeline#148, hashicorp/terraform-provider-aws#7251
imagebuild { region = "eu-west-1" }
source "imagebuilder" "web" {
  parent_image          = "aws:amazon-linux-2023-x86"
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
  execution_role        = "arn:aws:iam::123456789012:role/ImageBuilderExecution"
  regions               = ["eu-west-1"]
  ssm_parameter_configuration { parameter_name = "golden/web" }
  ssm_parameter_configuration { parameter_name = "/aws/golden/web" }
}
build {
  name    = "web"
  sources = ["source.imagebuilder.web"]
  provisioner "shell" { inline = ["echo ok"] }
}
