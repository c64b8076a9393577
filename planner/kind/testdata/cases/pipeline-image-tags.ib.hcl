# ministryofjustice/modernisation-platform-ami-builds#1075
imagebuild { region = "eu-west-1" }
source "imagebuilder" "web" {
  parent_image          = "aws:amazon-linux-2023-x86"
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
  regions               = ["eu-west-1"]
  tags                  = { LifecycleGroup = "web" }
  schedule {
    schedule_expression                = "cron(0 13 ? * wed *)"
    timezone                           = "Europe/London"
    pipeline_execution_start_condition = "EXPRESSION_MATCH_ONLY"
    auto_disable_policy { failure_count = 3 }
  }
}
build {
  name    = "web"
  sources = ["source.imagebuilder.web"]
  provisioner "shell" { inline = ["echo ok"] }
}
lifecycle_policy "web" {
  execution_role = "arn:aws:iam::123456789012:role/ImageLifecycle"
  resource_type  = "AMI_IMAGE"
  policy_detail {
    action {
      type = "DELETE"
      include_resources {
        amis      = true
        snapshots = true
      }
    }
    filter {
      type            = "AGE"
      value           = 180
      unit            = "DAYS"
      retain_at_least = 2
    }
  }
  resource_selection { tag_map = { LifecycleGroup = "web" } }
}
