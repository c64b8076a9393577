# An image that AWS rebuilds every Sunday night by itself when its base or a managed component changed:
# two regions, shared with two accounts and an organisation, under a licence, announced by SNS, logged to S3.

imagebuild {
  region  = "eu-west-1"
  project = "weekly"
}

variable "consumer_accounts" {
  type    = list(string)
  default = ["111122223333", "444455556666"]
}

locals {
  license = "arn:aws:license-manager:eu-west-1:123456789012:license-configuration:lic-0123456789abcdef0123456789abcdef"
}

source "imagebuilder" "weekly" {
  parent_image          = "aws:amazon-linux-2023-x86"
  instance_types        = ["t3.medium", "t3a.medium"]
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
  subnet_id             = "subnet-0123456789abcdef0"
  security_group_ids    = ["sg-0123456789abcdef0"]
  sns_topic_arn         = "arn:aws:sns:eu-west-1:123456789012:images"
  description           = "Amazon Linux, patched every week"
  tags                  = { team = "platform", schedule = "weekly" }
  resource_tags         = { cost-center = "4711" }

  logging {
    s3_logs {
      s3_bucket_name = "image-logs"
      s3_key_prefix  = "weekly"
    }
  }

  instance_metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  image_tests_configuration {
    image_tests_enabled = true
  }

  schedule {
    schedule_expression                = "cron(0 2 ? * sun *)"
    timezone                           = "Europe/Berlin"
    pipeline_execution_start_condition = "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE"

    auto_disable_policy {
      failure_count = 3
    }
  }

  dynamic "distribution" {
    for_each = ["eu-west-1", "eu-central-1"]

    content {
      region                     = distribution.value
      license_configuration_arns = distribution.value == "eu-west-1" ? [local.license] : null

      ami_distribution_configuration {
        name     = "weekly {{ imagebuilder:buildDate }}"
        ami_tags = { base = "amazon-linux-2023" }

        launch_permission {
          user_ids          = var.consumer_accounts
          organization_arns = ["arn:aws:organizations::123456789012:organization/o-abcdefghij"]
        }
      }

      ssm_parameter_configuration {
        parameter_name = "/imagebuilder/weekly/${distribution.value}"
        data_type      = "aws:ec2:image"
      }
    }
  }
}

build {
  name    = "weekly"
  sources = ["source.imagebuilder.weekly"]

  component "aws:update-linux" {}

  provisioner "shell" {
    inline = ["echo 'PermitRootLogin no' > /etc/ssh/sshd_config.d/10-root.conf"]
  }

  component "aws:simple-boot-test-linux" {}
}
