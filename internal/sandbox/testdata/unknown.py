"""Calls services that the sandbox does not have: each says so in its own protocol, so that the sentence arrives.

Usage: unknown.py ENDPOINT
"""

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

CALLS = {  # a call of each protocol
    "sns": ("list_topics", {}),  # query
    "cloudformation": ("list_stacks", {}),
    "autoscaling": ("describe_auto_scaling_groups", {}),
    "dynamodb": ("list_tables", {}),  # JSON 1.0
    "sqs": ("list_queues", {}),
    "kms": ("list_keys", {}),  # JSON 1.1
    "ecr": ("describe_repositories", {}),
    "cloudwatch": ("list_metrics", {}),  # of several protocols
    "lambda": ("list_functions", {}),  # REST and JSON
    "ebs": ("list_snapshot_blocks", {"SnapshotId": "snap-0123456789abcdef0"}),
    "inspector2": ("list_findings", {}),
    "route53": ("list_hosted_zones", {}),  # REST and XML
    "cloudfront": ("list_distributions", {}),
}


def main(endpoint):
    session = boto3.Session(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret", region_name="eu-west-1")
    for service, (call, arguments) in CALLS.items():
        client = session.client(service, endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1}))
        try:
            getattr(client, call)(**arguments)
        except ClientError as e:
            error = e.response["Error"]
            assert "The sandbox does not do this: " in error["Message"], (service, e.response)
            assert 400 <= e.response["ResponseMetadata"]["HTTPStatusCode"] < 502, e.response
            print(f"{service}: {error['Code']}: {error['Message']}")
            continue
        raise AssertionError(f"{service} answered")
    for service, call, arguments in (
        ("ssm", "list_documents", {}), ("logs", "describe_metric_filters", {}), ("secretsmanager", "get_random_password", {}), ("iam", "list_users", {}),
        ("sts", "get_federation_token", {"Name": "me"}), ("ec2", "describe_instances", {}), ("ec2", "describe_volumes", {}), ("imagebuilder", "import_disk_image", {
            "name": "abc", "semanticVersion": "1.0.0", "platform": "Windows", "osVersion": "Microsoft Windows 11", "uri": "s3://abc/d.iso", "infrastructureConfigurationArn": "arn:aws:imagebuilder:eu-west-1:123456789012:infrastructure-configuration/abc"}),
        ("resourcegroupstaggingapi", "get_tag_keys", {}), ("service-quotas", "list_services", {}),
    ):
        client = session.client(service, endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1}))
        try:
            getattr(client, call)(**arguments)
        except ClientError as e:
            assert "The sandbox does not do this" in e.response["Error"]["Message"] or "or the sandbox does not do it" in e.response["Error"]["Message"], (service, call, e.response)
            assert e.response["ResponseMetadata"]["HTTPStatusCode"] < 500, e.response
            continue
        raise AssertionError(f"{service}:{call} answered")


main(sys.argv[1])
