# httpd again, in blocks named after AWS's own resources. Everything here has the same content as what the
# build of ../httpd expands to, so it has the same digests: built after the other, nothing is left to do.

imagebuild {
  region = "eu-west-1"

  staging {
    bucket = "imagebuild-staging"
  }
}

staged_file "site" {
  source = "site/"
}

# The document downloads the staged file by its address in S3, which holds the content's sha256.
component "httpd" {
  platform = "Linux"
  document = file("httpd.yml")
}

image_recipe "httpd" {
  parent_image = "aws:amazon-linux-2023-x86"
  components   = [component.httpd]
}

infrastructure_configuration "httpd" {
  instance_types        = ["t3.medium"]
  instance_profile_name = "EC2InstanceProfileForImageBuilder"
}

distribution_configuration "httpd" {
  distribution {
    region = "eu-west-1"

    ami_distribution_configuration {
      name = "httpd {{ imagebuilder:buildDate }}"
    }
  }
}

image "httpd" {
  image_recipe_arn                 = image_recipe.httpd
  infrastructure_configuration_arn = infrastructure_configuration.httpd
  distribution_configuration_arn   = distribution_configuration.httpd
  depends_on                       = [staged_file.site]
}
