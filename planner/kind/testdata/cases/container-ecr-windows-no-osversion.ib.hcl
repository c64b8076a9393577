# hashicorp/terraform-provider-aws#24712
imagebuild { region = "eu-west-1" }
component "base" {
  platform = "Windows"
  document = {
    schemaVersion = "1.0"
    phases = [{ name = "build", steps = [{ name = "hello", action = "ExecutePowerShell", inputs = { commands = ["Write-Host hello"] } }] }]
  }
}
container_recipe "svc" {
  container_type           = "DOCKER"
  parent_image             = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/servercore:ltsc2022"
  platform_override        = "Windows"
  components               = [component.base]
  dockerfile_template_data = "FROM {{{ imagebuilder:parentImage }}}\n{{{ imagebuilder:environments }}}\n{{{ imagebuilder:components }}}\n"
  target_repository {
    service         = "ECR"
    repository_name = "svc"
  }
}
infrastructure_configuration "small" { instance_profile_name = "EC2InstanceProfileForImageBuilder" }
image "svc" {
  container_recipe_arn             = container_recipe.svc
  infrastructure_configuration_arn = infrastructure_configuration.small
}
