# The classic: a machine of AppStream's that joins the domain, is reached over WinRM as a group policy sets it up, gets
# two applications and the settings that every session starts with, and is gone when its image is there.

imagebuild {
  region = "eu-west-1"
}

# Passwords are in no plan: a variable says them, or where they are kept. plan and doctor find one that is missing; with
# --sandbox the program stands in for both, and says so.
variable "join_password" {
  type      = string
  sensitive = true
  default   = "ssm:/appstream/join-password"
}

variable "builder_user" {
  type    = string
  default = "CORP\\appstream-builder"
}

variable "builder_password" {
  type      = string
  sensitive = true
  default   = "ssm:/appstream/builder-password"
}

appstream_directory_config "corp" {
  directory_name                          = "corp.example.com"
  organizational_unit_distinguished_names = ["OU=AppStream,DC=corp,DC=example,DC=com"]

  service_account_credentials {
    account_name     = "CORP\\appstream-join"
    account_password = var.join_password
  }
}

source "appstream-builder" "office" {
  base_image         = "AppStream-WinServer2022-" # the newest by date
  instance_type      = "stream.standard.large"
  subnet_id          = "subnet-0123456789abcdef0"
  security_group_ids = ["sg-0123456789abcdef0"]
  iam_role_arn       = "arn:aws:iam::123456789012:role/AppStreamBuilder"
  display_name       = "Office"
  agent              = "latest"
  tags               = { team = "desktop" }

  domain_join_info {
    directory_name                         = appstream_directory_config.corp
    organizational_unit_distinguished_name = "OU=AppStream,DC=corp,DC=example,DC=com"
  }

  # A start-up script of the group policy makes the HTTPS listener; it runs at boot alone, and may come late.
  communicator = "winrm"

  winrm {
    username               = var.builder_user
    password               = var.builder_password
    connect_timeout        = "20m"
    restart_if_unreachable = true
    trust_on_first_use     = true
  }

  application "notes" {
    path         = "C:\\Apps\\notes.exe"
    display_name = "Notes"
  }

  application "calculator" {
    path              = "C:\\Apps\\calculator.exe"
    display_name      = "Calculator"
    working_directory = "C:\\Apps"
  }

  manifest {
    paths = ["C:\\Apps\\**"]
  }

  default_profile {
    profile = ".\\template"
  }

  session_script "start" {
    filename     = "C:\\Apps\\start.cmd"
    context      = "user"
    waiting_time = 20
  }
}

build {
  name    = "office"
  sources = ["source.appstream-builder.office"]

  provisioner "powershell" {
    inline = [
      "$ErrorActionPreference = 'Stop'",
      "New-Item -ItemType Directory -Force -Path C:\\Apps | Out-Null",
      "Copy-Item C:\\Windows\\System32\\notepad.exe C:\\Apps\\notes.exe",
      "Copy-Item C:\\Windows\\System32\\calc.exe C:\\Apps\\calculator.exe",
    ]
  }

  provisioner "file" {
    source      = "conf/"
    destination = "C:\\Apps\\"
  }

  provisioner "windows-restart" {
    restart_timeout = "20m"
  }

  validate "powershell" {
    inline = ["if (-not (Test-Path C:\\Apps\\notes.exe)) { exit 1 }"]
  }
}

appstream_fleet "office" {
  image_name    = build.office.appstream_image
  instance_type = "stream.standard.large"

  # Machines that join the domain stand where its controllers can be reached, in two availability zones.
  vpc_config {
    subnet_ids         = ["subnet-0123456789abcdef0", "subnet-0fedcba9876543210"]
    security_group_ids = ["sg-0123456789abcdef0"]
  }

  compute_capacity {
    desired_instances = 2
  }

  domain_join_info {
    directory_name                         = appstream_directory_config.corp
    organizational_unit_distinguished_name = "OU=AppStream,DC=corp,DC=example,DC=com"
  }

  health_check {
    instances = 1
  }
}
