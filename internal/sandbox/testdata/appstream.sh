#!/usr/bin/env bash
# Uses AppStream with an AWS CLI of any age; those of distributions speak JSON 1.1.
#
# Usage: appstream.sh ENDPOINT
set -euo pipefail

export AWS_ENDPOINT_URL=$1
export AWS_ACCESS_KEY_ID=AKIDEXAMPLE AWS_SECRET_ACCESS_KEY=secret AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1
export AWS_MAX_ATTEMPTS=1 AWS_PAGER='' AWS_EC2_METADATA_DISABLED=true
unset AWS_PROFILE AWS_SESSION_TOKEN
name=cli-$$

app() { aws appstream --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }

# same NAME GOT WANT
same() { [ "$2" = "$3" ] || { echo "$1: got '$2', want '$3'" >&2; exit 1; }; }

# refused CODE TEXT command...
refused() {
  local code=$1 text=$2 out
  shift 2
  if out=$("$@" 2>&1); then
    echo "$code was expected of: $*" >&2
    exit 1
  fi
  grep -qF "($code)" <<<"$out" && grep -qF "$text" <<<"$out" || { echo "$out" >&2; exit 1; }
  echo "refused as AWS does: $code"
}

# reach STATE command...
reach() {
  local state=$1 got=
  shift
  for _ in $(seq 50); do
    got=$("$@")
    [ "$got" = "$state" ] && return
  done
  echo "it stays $got" >&2
  exit 1
}

builder() { app describe-image-builders --names "$name" --query 'ImageBuilders[0].State' --output text; }

[ "$(app describe-images --type PUBLIC --output json | grep -c '"BaseImageArn"\|"ImageBuilderSupported"')" -gt 25 ]
image=$(app describe-images --type PUBLIC --query 'sort_by(Images[?starts_with(Name, `AppStream-WinServer2022-`)], &PublicBaseImageReleasedDate)[-1].Name' --output text | tail -n 1)
same newest "$image" AppStream-WinServer2022-05-28-2026
refused ResourceNotFoundException 'The image none for account 123456789012 does not exist.' app describe-images --names none
app create-image-builder --name "$name" --image-name "$image" --instance-type stream.standard.medium --vpc-config SubnetIds=subnet-1 >/dev/null
reach RUNNING builder
app stop-image-builder --name "$name" >/dev/null
reach STOPPED builder
refused ResourceNotAvailableException 'The image AppStream-WinServer2012R2-07-19-2021 is DEPRECATED.' \
  app create-image-builder --name other --image-name AppStream-WinServer2012R2-07-19-2021 --instance-type stream.standard.medium
app delete-image-builder --name "$name" >/dev/null
app create-directory-config --directory-name "$name.example" --organizational-unit-distinguished-names OU=AppStream,DC=example \
  --service-account-credentials 'AccountName=EXAMPLE\join,AccountPassword=secret-word' >/dev/null
if app describe-directory-configs | grep -F secret-word; then
  echo "a password is shown" >&2
  exit 1
fi
app delete-directory-config --directory-name "$name.example"
echo "$(aws --version) and the sandbox's AppStream agree"
