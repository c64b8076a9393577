"""Uses AppStream with boto3: reads AWS's images page by page, takes a builder through its life, makes a fleet and a
stack, and checks error codes: once in the protocol that botocore prefers, which is JSON 1.1, and once in the other one of
its model, Smithy's RPC v2 in CBOR.

Usage: appstream.py ENDPOINT
"""

import datetime
import sys

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import ClientError


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


def reach(read, state):
    for _ in range(600):
        thing = read()
        if thing["State"] == state:
            return thing
    raise AssertionError(f"{thing['Name']} stays {thing['State']}")


def main(endpoint, name, protocol):
    session = boto3.Session(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret", region_name="eu-west-1")
    model = session._session.get_component("data_loader").load_service_model("appstream", "service-2")
    assert protocol in model["metadata"]["protocols"], model["metadata"]
    model["metadata"]["protocols"] = [protocol]
    app = session.client("appstream", endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1}))
    sent = []
    app.meta.events.register("before-send.appstream", lambda request, **_: sent.append(request.headers["Content-Type"]))

    images, token = [], {}
    while True:
        page = app.describe_images(Type="PUBLIC", **token)
        images += page["Images"]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert len(images) > 25, len(images)
    windows = [i for i in images if i["Name"].startswith("AppStream-WinServer2022-")]
    newest = max(windows, key=lambda i: i["PublicBaseImageReleasedDate"])
    assert isinstance(newest["PublicBaseImageReleasedDate"], datetime.datetime), newest
    assert newest["Name"] != max(i["Name"] for i in windows), newest["Name"]
    refused("ResourceNotFoundException", "The image none for account 123456789012", app.describe_images, Names=["none"])
    refused("InvalidParameterCombinationException", "", app.describe_images, Names=["none"], Type="PUBLIC")

    made = app.create_image_builder(
        Name=name, ImageName=newest["Name"], InstanceType="stream.standard.medium", Tags={"made-by": "boto3"},
        VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    )["ImageBuilder"]
    assert made["State"] == "PENDING" and made["VpcConfig"]["SubnetIds"] == ["subnet-1"], made

    def builder():
        return app.describe_image_builders(Names=[name])["ImageBuilders"][0]

    address = reach(builder, "RUNNING")["NetworkAccessConfiguration"]["EniPrivateIpAddress"]
    assert address.startswith("127."), address
    url = app.create_image_builder_streaming_url(Name=name, Validity=60)
    assert url["Expires"] > datetime.datetime.now(datetime.timezone.utc), url
    assert app.list_tags_for_resource(ResourceArn=made["Arn"])["Tags"] == {"made-by": "boto3"}
    app.stop_image_builder(Name=name)
    reach(builder, "STOPPED")
    assert app.delete_image_builder(Name=name)["ImageBuilder"]["State"] == "DELETING"

    app.create_fleet(Name=name, ImageArn=newest["Arn"], InstanceType="stream.standard.medium", ComputeCapacity={"DesiredInstances": 2})
    app.create_stack(Name=name)
    app.associate_fleet(FleetName=name, StackName=name)
    assert app.list_associated_fleets(StackName=name)["Names"] == [name]
    app.start_fleet(Name=name)
    fleet = reach(lambda: app.describe_fleets(Names=[name])["Fleets"][0], "RUNNING")
    assert fleet["ComputeCapacityStatus"]["Running"] == 2, fleet
    refused("ResourceInUseException", "RUNNING", app.delete_fleet, Name=name)
    refused("ResourceNotFoundException", "", app.describe_image_permissions, Name="none")
    print("boto3", boto3.__version__, "speaks", *sorted(set(sent)))
    print("botocore", botocore.__version__, "and the sandbox's AppStream agree")


for name, protocol in (("boto-json", "json"), ("boto-cbor", "smithy-rpc-v2-cbor")):
    main(sys.argv[1], name, protocol)
