# CloudSnorkel/cdk-github-runners#812
imagebuild { region = "eu-west-1" }
component "base" {
  platform = "Linux"
  document = {
    schemaVersion = "1.0"
    phases = [{ name = "build", steps = [{ name = "hello", action = "ExecuteBash", inputs = { commands = ["echo hello"] } }] }]
  }
}
image_recipe "app" {
  parent_image = "ami-0123456789abcdef0"
  components   = [component.base]
}
infrastructure_configuration "small" {
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
}
workflow "quick" {
  type = "BUILD"
  document = {
    name          = "quick"
    schemaVersion = "1.0"
    steps = [
      { name = "LaunchBuildInstance", action = "LaunchInstance", inputs = { waitFor = "ssmAgent" } },
      { name = "TerminateBuildInstance", action = "TerminateInstance", inputs = { "instanceId.$" = "$.stepOutputs.LaunchBuildInstance.instanceId" } },
    ]
  }
}
image "app" {
  image_recipe_arn                 = image_recipe.app
  infrastructure_configuration_arn = infrastructure_configuration.small
  execution_role                   = "arn:aws:iam::123456789012:role/ImageBuilderExecution"
  workflow { workflow_arn = workflow.quick }
}
