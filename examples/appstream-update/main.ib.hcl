# The monthly managed update: AWS makes a new image of the newest one, with the current agent and Windows updates. It
# takes hours, so that a job may end before: --on-cancel detach leaves it being made, and the next run waits for it.
#
#   imagebuild build --on-cancel detach --var month=$(date +%Y-%m) examples/appstream-update

imagebuild {
  region = "eu-west-1"
}

variable "month" {
  description = "The month, which is part of the new image's name: once it is there, a run has nothing to do."
  type        = string
  default     = "2026-02"

  validation {
    condition     = can(regex("^[0-9]{4}-[0-9]{2}$", var.month))
    error_message = "A month is written 2026-02."
  }
}

appstream_updated_image "office" {
  existing_image_name = "office-" # the newest of them, the one of this month excepted
  name                = "office-${var.month}"
  display_name        = "Office"
  tags                = { month = var.month }

  retention {
    keep = 3
  }
}

appstream_fleet "preprod" {
  name          = "office-preprod"
  image_name    = appstream_updated_image.office
  instance_type = "stream.standard.large"

  compute_capacity {
    desired_instances = 1
  }

  health_check {
    instances = 1
    timeout   = "45m"
  }
}

appstream_fleet "office" {
  image_name    = appstream_updated_image.office
  instance_type = "stream.standard.large"
  depends_on    = [appstream_fleet.preprod]

  compute_capacity {
    desired_instances = 4
  }
}
