"""Creates an image from within an image builder by pywinrm, as scripts do: the answer of create-image arrives whole.

Usage: assistant.py ENDPOINT
"""

import json
import sys
import time

import boto3
import winrm
from botocore.config import Config


def main(endpoint):
    session = boto3.Session(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret", region_name="eu-west-1")
    app = session.client("appstream", endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1}))
    pages = app.get_paginator("describe_images").paginate(Type="PUBLIC")
    base = max(i["Name"] for p in pages for i in p["Images"] if i["State"] == "AVAILABLE" and i["Name"].startswith("AppStream-WinServer2022-"))
    app.create_image_builder(Name="pywinrm", ImageName=base, InstanceType="stream.standard.medium", VpcConfig={"SubnetIds": ["subnet-1"]})
    while True:
        builder = app.describe_image_builders(Names=["pywinrm"])["ImageBuilders"][0]
        if builder["State"] == "RUNNING":
            break
        time.sleep(0.05)
    address = builder["NetworkAccessConfiguration"]["EniPrivateIpAddress"]
    p = winrm.Protocol(endpoint=f"https://{address}:5986/wsman", transport="ntlm", username="Administrator", password="Sandbox-1", server_cert_validation="ignore")
    shell = p.open_shell()
    program = r"C:\Program Files\Amazon\Photon\ConsoleImageBuilder\image-assistant.exe"
    command = p.run_command(shell, f'"{program}"', ["create-image", "--name", "from-pywinrm"])
    out, err, status = p.get_command_output(shell, command)
    assert status == 0 and json.loads(out) == {"status": 0, "message": "Success"}, (out, err, status)
    p.cleanup_command(shell, command)
    p.close_shell(shell)
    while app.describe_images(Names=["from-pywinrm"])["Images"][0]["State"] != "AVAILABLE":
        time.sleep(0.05)
    print("pywinrm: create-image answered", out.decode().strip())


main(sys.argv[1])
