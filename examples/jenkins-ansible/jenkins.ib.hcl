# A Jenkins server made by an Ansible playbook with requirements from Galaxy. The playbook, its roles
# and the requirements are packed into one archive that the instance fetches from S3 and runs locally.

imagebuild {
  region = "eu-west-1"

  staging {
    bucket = "imagebuild-staging"
    prefix = "jenkins/"
  }
}

variable "jenkins_port" {
  type    = number
  default = 8080

  validation {
    condition     = var.jenkins_port > 1023 && var.jenkins_port < 65536
    error_message = "The port must lie between 1024 and 65535."
  }
}

source "imagebuilder" "jenkins" {
  parent_image                  = "aws:amazon-linux-2023-x86"
  instance_types                = ["m7i.large", "m6i.large"]
  instance_profile_name         = "EC2InstanceProfileForImageBuilder"
  terminate_instance_on_failure = true

  block_device_mapping {
    device_name = "/dev/xvda"

    ebs {
      volume_size           = 30
      volume_type           = "gp3"
      encrypted             = true
      delete_on_termination = true
    }
  }
}

build {
  name    = "jenkins"
  sources = ["source.imagebuilder.jenkins"]

  component "aws:update-linux" {}

  provisioner "ansible" {
    playbook_file   = "ansible/jenkins.yml"
    galaxy_file     = "ansible/requirements.yml"
    roles_path      = "ansible/roles"
    extra_arguments = ["--extra-vars", "jenkins_port=${var.jenkins_port}"]
    timeout         = "30m"
  }

  test "shell" {
    inline = [
      "systemctl is-enabled jenkins",
      "curl -fsS --retry 30 --retry-delay 2 --retry-connrefused -o /dev/null http://localhost:${var.jenkins_port}/login",
    ]
  }
}
