# aws/aws-cdk#36152
imagebuild { region = "eu-west-1" }
lifecycle_policy "amis" {
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
      type  = "COUNT"
      value = 3
    }
  }
  policy_detail {
    action {
      type = "DELETE"
      include_resources {
        amis      = true
        snapshots = true
      }
    }
    filter {
      type  = "AGE"
      value = 90
      unit  = "DAYS"
    }
  }
  resource_selection {
    tag_map = { team = "web" }
  }
}
