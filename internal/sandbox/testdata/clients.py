"""Makes and reads back the classic five resources of EC2 Image Builder with boto3, and checks the
error codes for a bad name, a duplicate, a dependant and an unknown ARN.

Usage: clients.py ENDPOINT
"""

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

DOCUMENT = """\
schemaVersion: 1.0
phases:
  - name: build
    steps:
      - name: Hello
        action: ExecuteBash
        inputs:
          commands:
            - echo hello from boto3
"""
PARENT = "arn:aws:imagebuilder:eu-west-1:aws:image/amazon-linux-2023-x86/x.x.x"


def refused(code, text, call, **arguments):
    try:
        call(**arguments)
    except ClientError as e:
        got = e.response["Error"]
        assert got["Code"] == code, got
        assert text in got["Message"], got
        print("refused as AWS does:", code)
        return
    raise AssertionError(f"{code} was expected")


def make_five(ib):
    component = ib.create_component(
        name="boto-web", semanticVersion="1.0.0", platform="Linux", data=DOCUMENT, tags={"made-by": "boto3"}
    )["componentBuildVersionArn"]
    recipe = ib.create_image_recipe(
        name="boto-web", semanticVersion="1.0.0", parentImage=PARENT, components=[{"componentArn": component}]
    )["imageRecipeArn"]
    infrastructure = ib.create_infrastructure_configuration(
        name="boto-web", instanceProfileName="EC2InstanceProfileForImageBuilder", instanceTypes=["t3.medium"]
    )["infrastructureConfigurationArn"]
    distribution = ib.create_distribution_configuration(
        name="boto-web",
        distributions=[
            {"region": "eu-west-1", "amiDistributionConfiguration": {"name": "web {{ imagebuilder:buildDate }}"}}
        ],
    )["distributionConfigurationArn"]
    pipeline = ib.create_image_pipeline(
        name="boto-web",
        imageRecipeArn=recipe,
        infrastructureConfigurationArn=infrastructure,
        distributionConfigurationArn=distribution,
        schedule={"scheduleExpression": "cron(0 6 ? * MON *)", "timezone": "Europe/Berlin"},
    )["imagePipelineArn"]
    return component, recipe, infrastructure, distribution, pipeline


def read_back(ib, component, recipe, infrastructure, distribution, pipeline):
    c = ib.get_component(componentBuildVersionArn=component)["component"]
    assert c["data"] == DOCUMENT and c["type"] == "BUILD" and c["tags"] == {"made-by": "boto3"}, c
    r = ib.get_image_recipe(imageRecipeArn=recipe)["imageRecipe"]
    assert r["components"] == [{"componentArn": component}] and r["platform"] == "Linux", r
    i = ib.get_infrastructure_configuration(infrastructureConfigurationArn=infrastructure)["infrastructureConfiguration"]
    assert i["instanceTypes"] == ["t3.medium"], i
    d = ib.get_distribution_configuration(distributionConfigurationArn=distribution)["distributionConfiguration"]
    assert d["distributions"][0]["region"] == "eu-west-1", d
    p = ib.get_image_pipeline(imagePipelineArn=pipeline)["imagePipeline"]
    assert p["imageRecipeArn"] == recipe and p["status"] == "ENABLED", p
    assert ib.list_image_pipelines(filters=[{"name": "name", "values": ["boto-web"]}])["imagePipelineList"]
    ib.tag_resource(resourceArn=pipeline, tags={"a": "b"})
    assert ib.list_tags_for_resource(resourceArn=pipeline)["tags"] == {"a": "b"}
    print("made and read back:", component, recipe, infrastructure, distribution, pipeline, sep="\n  ")


def build(session, client, pipeline):
    ib, logs, ec2 = client("imagebuilder"), client("logs"), client("ec2")
    image = ib.start_image_pipeline_execution(imagePipelineArn=pipeline)["imageBuildVersionArn"]
    while True:
        state = ib.get_image(imageBuildVersionArn=image)["image"]["state"]
        if state["status"] in ("AVAILABLE", "FAILED", "CANCELLED"):
            break
    assert state["status"] == "AVAILABLE", state
    out = ib.get_image(imageBuildVersionArn=image)["image"]["outputResources"]["amis"]
    assert ec2.describe_images(ImageIds=[out[0]["image"]])["Images"][0]["OwnerId"] == "123456789012"
    events = logs.get_log_events(logGroupName="/aws/imagebuilder/boto-web", logStreamName="1.0.0/1", startFromHead=True)
    assert events["events"], events
    print("built:", image, out[0]["image"], f"{len(events['events'])} log events")
    return image


def main(endpoint):
    session = boto3.Session(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret", region_name="eu-west-1")

    def client(service):
        return session.client(service, endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1}))

    ib = client("imagebuilder")
    assert client("sts").get_caller_identity()["Account"] == "123456789012"
    s3 = client("s3")
    s3.put_object(Bucket="boto", Key="a/b", Body=b"bytes" * 1000)
    assert s3.get_object(Bucket="boto", Key="a/b")["Body"].read() == b"bytes" * 1000
    ssm = client("ssm")
    assert ssm.get_parameter(Name="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64")["Parameter"]["Value"]

    arns = make_five(ib)
    read_back(ib, *arns)
    component, recipe, infrastructure, distribution, pipeline = arns
    unknown = recipe.replace("boto-web", "none")
    refused(
        "InvalidParameterValueException", "The value supplied for parameter 'name' is not valid.",
        ib.create_component, name="a!", semanticVersion="1.0.0", platform="Linux", data=DOCUMENT,
    )
    refused(
        "ResourceAlreadyExistsException", "The following resource 'ImageRecipe' already exists",
        ib.create_image_recipe, name="Boto_Web", semanticVersion="1.0.0", parentImage=PARENT, components=[{"componentArn": component}],
    )
    refused("ResourceDependencyException", "has other resources depended on it", ib.delete_image_recipe, imageRecipeArn=recipe)
    refused("ResourceNotFoundException", unknown, ib.get_image_recipe, imageRecipeArn=unknown)
    image = build(session, client, pipeline)
    ib.delete_image(imageBuildVersionArn=image)
    ib.delete_image_pipeline(imagePipelineArn=pipeline)
    ib.delete_image_recipe(imageRecipeArn=recipe)
    ib.delete_component(componentBuildVersionArn=component)
    ib.delete_infrastructure_configuration(infrastructureConfigurationArn=infrastructure)
    ib.delete_distribution_configuration(distributionConfigurationArn=distribution)
    print("boto3", boto3.__version__, "and the sandbox agree")


main(sys.argv[1])
