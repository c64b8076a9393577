#!/usr/bin/env bash
# Makes and reads back the classic five resources of EC2 Image Builder with the AWS CLI, and checks the
# error codes for a bad name, a duplicate, a dependant and an unknown ARN.
#
# Usage: clients.sh ENDPOINT
set -euo pipefail

export AWS_ENDPOINT_URL=$1
export AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=secret AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1
export AWS_MAX_ATTEMPTS=1 AWS_PAGER='' AWS_EC2_METADATA_DISABLED=true
unset AWS_PROFILE AWS_SESSION_TOKEN
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ib() { aws imagebuilder --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }

# same NAME GOT WANT
same() { [ "$2" = "$3" ] || { echo "$1: got '$2', want '$3'" >&2; exit 1; }; }

# refused CODE TEXT command...
refused() {
  local code=$1 text=$2
  shift 2
  if "$@" >"$work/out" 2>&1; then
    echo "$code was expected of: $*" >&2
    exit 1
  fi
  grep -qF "($code)" "$work/out" && grep -qF "$text" "$work/out" || { cat "$work/out" >&2; exit 1; }
  echo "refused as AWS does: $code"
}

cat >"$work/hello.yml" <<'DOCUMENT'
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Hello
        action: ExecuteBash
        inputs:
          commands:
            - echo hello from the AWS CLI
DOCUMENT
parent=arn:aws:imagebuilder:eu-west-1:aws:image/ubuntu-server-24-lts-x86/x.x.x

same account "$(aws sts get-caller-identity --endpoint-url "$AWS_ENDPOINT_URL" --query Account --output text)" 123456789012
aws s3 cp --endpoint-url "$AWS_ENDPOINT_URL" --only-show-errors "$work/hello.yml" s3://cli/components/hello.yml
aws s3 cp --endpoint-url "$AWS_ENDPOINT_URL" --only-show-errors s3://cli/components/hello.yml "$work/back.yml"
cmp "$work/hello.yml" "$work/back.yml"

component=$(ib create-component --name cli-web --semantic-version 1.0.0 --platform Linux \
  --uri s3://cli/components/hello.yml --query componentBuildVersionArn --output text)
recipe=$(ib create-image-recipe --name cli-web --semantic-version 1.0.0 --parent-image "$parent" \
  --components "componentArn=$component" --query imageRecipeArn --output text)
infrastructure=$(ib create-infrastructure-configuration --name cli-web --instance-profile-name EC2InstanceProfileForImageBuilder \
  --query infrastructureConfigurationArn --output text)
distribution=$(ib create-distribution-configuration --name cli-web \
  --distributions '[{"region":"eu-west-1","amiDistributionConfiguration":{"name":"web {{ imagebuilder:buildDate }}"}}]' \
  --query distributionConfigurationArn --output text)
pipeline=$(ib create-image-pipeline --name cli-web --image-recipe-arn "$recipe" --infrastructure-configuration-arn "$infrastructure" \
  --distribution-configuration-arn "$distribution" --query imagePipelineArn --output text)

same component "$(ib get-component --component-build-version-arn "$component" --query component.data --output text)" "$(cat "$work/hello.yml")"
same recipe "$(ib get-image-recipe --image-recipe-arn "$recipe" --query 'imageRecipe.components[0].componentArn' --output text)" "$component"
same infrastructure "$(ib get-infrastructure-configuration --infrastructure-configuration-arn "$infrastructure" \
  --query infrastructureConfiguration.name --output text)" cli-web
same distribution "$(ib get-distribution-configuration --distribution-configuration-arn "$distribution" \
  --query 'distributionConfiguration.distributions[0].region' --output text)" eu-west-1
same pipeline "$(ib get-image-pipeline --image-pipeline-arn "$pipeline" --query imagePipeline.imageRecipeArn --output text)" "$recipe"
echo 'made and read back:'
printf '  %s\n' "$component" "$recipe" "$infrastructure" "$distribution" "$pipeline"

refused InvalidParameterValueException "The value supplied for parameter 'name' is not valid." \
  ib create-component --name 'a!' --semantic-version 1.0.0 --platform Linux --data "file://$work/hello.yml"
refused ResourceAlreadyExistsException "The following resource 'ImageRecipe' already exists" \
  ib create-image-recipe --name Cli_Web --semantic-version 1.0.0 --parent-image "$parent" --components "componentArn=$component"
refused ResourceDependencyException 'has other resources depended on it' ib delete-image-recipe --image-recipe-arn "$recipe"
refused ResourceNotFoundException "${recipe/cli-web/none}" ib get-image-recipe --image-recipe-arn "${recipe/cli-web/none}"

image=$(ib start-image-pipeline-execution --image-pipeline-arn "$pipeline" --query imageBuildVersionArn --output text)
until [[ ${status:=} =~ AVAILABLE|FAILED|CANCELLED ]]; do
  status=$(ib get-image --image-build-version-arn "$image" --query image.state.status --output text)
done
same image "$status" AVAILABLE
ami=$(ib get-image --image-build-version-arn "$image" --query 'image.outputResources.amis[0].image' --output text)
same ami "$(aws ec2 describe-images --endpoint-url "$AWS_ENDPOINT_URL" --image-ids "$ami" --query 'Images[0].ImageId' --output text)" "$ami"
aws logs get-log-events --endpoint-url "$AWS_ENDPOINT_URL" --log-group-name /aws/imagebuilder/cli-web --log-stream-name 1.0.0/1 \
  --start-from-head --query 'events[].message' --output text >"$work/log"
grep -q AVAILABLE "$work/log"

ib delete-image --image-build-version-arn "$image" >/dev/null
ib delete-image-pipeline --image-pipeline-arn "$pipeline" >/dev/null
ib delete-image-recipe --image-recipe-arn "$recipe" >/dev/null
ib delete-component --component-build-version-arn "$component" >/dev/null
ib delete-infrastructure-configuration --infrastructure-configuration-arn "$infrastructure" >/dev/null
ib delete-distribution-configuration --distribution-configuration-arn "$distribution" >/dev/null
echo "$(aws --version) and the sandbox agree"
