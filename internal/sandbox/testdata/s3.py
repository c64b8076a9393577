"""Tries S3 with boto3: keys are any text, lists have pages, sub-resources answer for themselves.

Usage: s3.py ENDPOINT
"""

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

KEYS = [
    "a", "a/b", "a//b", "a/", "dir/", "/x", "//", "./k", "../k", "../../etc/passwd", "..", ".", "k/..", "k/.", "with space", "plus+plus", "per%20cent", "q?x=y&z",
    "hash#x", "ümlaut/日本語", "quote\"'<&>", "back\\slash", "tab\tnew\nline", "l" * 300, "m/" * 512, "n" * 1024, "ends.", "CON", ":colon", "*", "~",
]


def refused(status, code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as e:
        got = (e.response["ResponseMetadata"]["HTTPStatusCode"], e.response["Error"]["Code"])
        assert got == (status, code), (call, got, (status, code), e)
        return
    raise AssertionError(f"{code} was expected of {arguments}")


def keys(s3):
    s3.create_bucket(Bucket="keys", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for key in KEYS:
        s3.put_object(Bucket="keys", Key=key, Body=key.encode(), Metadata={"of": "this"})
    assert len(set(KEYS)) == len(KEYS)
    for key in KEYS:
        got = s3.get_object(Bucket="keys", Key=key)
        assert got["Body"].read() == key.encode() and got["Metadata"] == {"of": "this"}, key
    in_order = sorted(KEYS, key=str.encode)
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="keys")["Contents"]] == in_order
    assert [o["Key"] for o in s3.list_objects(Bucket="keys")["Contents"]] == in_order
    refused(400, "KeyTooLongError", s3.put_object, Bucket="keys", Key="n" * 1025, Body=b"")
    for key in KEYS[::2]:
        s3.delete_object(Bucket="keys", Key=key)
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="keys")["Contents"]] == sorted(KEYS[1::2], key=str.encode)
    out = s3.delete_objects(Bucket="keys", Delete={"Objects": [{"Key": k} for k in KEYS + ["none"]]})
    assert len(out["Deleted"]) == len(KEYS) + 1 and "Errors" not in out, out
    s3.delete_bucket(Bucket="keys")


def pages(s3):
    s3.create_bucket(Bucket="pages", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    names = [f"d{i}/{j}" for i in range(3) for j in range(4)] + [f"f{i}" for i in range(5)] + ["d1+x y/z"]
    for n in names:
        s3.put_object(Bucket="pages", Key=n, Body=b"x")
    names.sort()
    for size in (1, 2, 3, 1000):
        for operation in ("list_objects_v2", "list_objects"):
            got = [o["Key"] for p in s3.get_paginator(operation).paginate(Bucket="pages", MaxKeys=size) for o in p.get("Contents", [])]
            assert got == names, (operation, size, got)
            rolled = []
            for p in s3.get_paginator(operation).paginate(Bucket="pages", MaxKeys=size, Delimiter="/"):
                assert len(p.get("Contents", [])) + len(p.get("CommonPrefixes", [])) <= size
                rolled += [o["Key"] for o in p.get("Contents", [])] + [o["Prefix"] for o in p.get("CommonPrefixes", [])]
            assert sorted(rolled) == ["d0/", "d1+x y/", "d1/", "d2/", "f0", "f1", "f2", "f3", "f4"], (operation, size, rolled)
    out = s3.list_objects_v2(Bucket="pages", StartAfter="d2/1", MaxKeys=3)
    assert [o["Key"] for o in out["Contents"]] == ["d2/2", "d2/3", "f0"] and out["IsTruncated"] and out["KeyCount"] == 3, out
    assert out["StartAfter"] == "d2/1" and out["NextContinuationToken"]
    out = s3.list_objects_v2(Bucket="pages", Prefix="d1/", Delimiter="/")
    assert [o["Key"] for o in out["Contents"]] == ["d1/0", "d1/1", "d1/2", "d1/3"] and not out["IsTruncated"], out
    out = s3.list_objects(Bucket="pages", Marker="f2")
    assert [o["Key"] for o in out["Contents"]] == ["f3", "f4"] and out["Marker"] == "f2", out
    out = s3.list_objects_v2(Bucket="pages", MaxKeys=0)
    assert out["KeyCount"] == 0 and "Contents" not in out and not out["IsTruncated"], out
    out = s3.list_objects_v2(Bucket="pages", Prefix="d1+", EncodingType="url")
    assert out["EncodingType"] == "url" and out["Contents"][0]["Key"] == "d1%2Bx+y/z", out
    refused(400, "InvalidArgument", s3.list_objects_v2, Bucket="pages", ContinuationToken="")
    refused(400, "InvalidArgument", s3.list_objects_v2, Bucket="pages", MaxKeys=-1)
    versions = s3.list_object_versions(Bucket="pages", MaxKeys=2)
    assert [v["VersionId"] for v in versions["Versions"]] == ["null", "null"] and versions["IsTruncated"], versions


def missing(s3):
    refused(404, "404", s3.head_bucket, Bucket="none")
    for operation in ("list_objects_v2", "list_objects", "get_bucket_location", "get_bucket_policy", "get_bucket_versioning", "list_multipart_uploads", "delete_bucket", "get_bucket_acl"):
        refused(404, "NoSuchBucket", getattr(s3, operation), Bucket="none")
    refused(404, "NoSuchBucket", s3.get_object, Bucket="none", Key="k")
    refused(404, "404", s3.head_object, Bucket="none", Key="k")
    refused(404, "NoSuchBucket", s3.delete_object, Bucket="none", Key="k")
    refused(404, "404", s3.head_bucket, Bucket="none")  # no read made it


def subresources(s3):
    s3.create_bucket(Bucket="sub", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    refused(409, "BucketAlreadyOwnedByYou", s3.create_bucket, Bucket="sub", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    assert s3.get_bucket_location(Bucket="sub")["LocationConstraint"] == "eu-west-1"
    assert s3.head_bucket(Bucket="sub")["BucketRegion"] == "eu-west-1"
    for operation, code in {
        "get_bucket_policy": "NoSuchBucketPolicy", "get_bucket_policy_status": "NoSuchBucketPolicy", "get_bucket_tagging": "NoSuchTagSet",
        "get_bucket_cors": "NoSuchCORSConfiguration", "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
        "get_bucket_website": "NoSuchWebsiteConfiguration", "get_bucket_replication": "ReplicationConfigurationNotFoundError",
        "get_object_lock_configuration": "ObjectLockConfigurationNotFoundError",
    }.items():
        refused(404, code, getattr(s3, operation), Bucket="sub")
    assert "Status" not in s3.get_bucket_versioning(Bucket="sub")
    assert s3.get_bucket_acl(Bucket="sub")["Grants"][0]["Permission"] == "FULL_CONTROL"
    assert s3.get_bucket_encryption(Bucket="sub")["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert s3.get_public_access_block(Bucket="sub")["PublicAccessBlockConfiguration"]["BlockPublicPolicy"]
    assert s3.get_bucket_ownership_controls(Bucket="sub")["OwnershipControls"]["Rules"][0]["ObjectOwnership"] == "BucketOwnerEnforced"
    assert s3.get_bucket_request_payment(Bucket="sub")["Payer"] == "BucketOwner"
    for operation in ("get_bucket_logging", "get_bucket_notification_configuration", "get_bucket_accelerate_configuration"):
        getattr(s3, operation)(Bucket="sub")
    refused(501, "NotImplemented", s3.put_bucket_versioning, Bucket="sub", VersioningConfiguration={"Status": "Enabled"})

    policy = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::sub/*"}]}'
    s3.put_bucket_policy(Bucket="sub", Policy=policy)
    assert s3.get_bucket_policy(Bucket="sub")["Policy"] == policy
    s3.delete_bucket_policy(Bucket="sub")
    refused(404, "NoSuchBucketPolicy", s3.get_bucket_policy, Bucket="sub")
    refused(400, "MalformedPolicy", s3.put_bucket_policy, Bucket="sub", Policy="nonsense")
    s3.put_bucket_tagging(Bucket="sub", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    assert s3.get_bucket_tagging(Bucket="sub")["TagSet"] == [{"Key": "a", "Value": "b"}]
    s3.put_bucket_lifecycle_configuration(Bucket="sub", LifecycleConfiguration={"Rules": [{"ID": "x", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]})
    assert s3.get_bucket_lifecycle_configuration(Bucket="sub")["Rules"][0]["Expiration"]["Days"] == 1
    s3.put_bucket_cors(Bucket="sub", CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]})
    assert s3.get_bucket_cors(Bucket="sub")["CORSRules"][0]["AllowedMethods"] == ["GET"]
    s3.delete_public_access_block(Bucket="sub")
    refused(404, "NoSuchPublicAccessBlockConfiguration", s3.get_public_access_block, Bucket="sub")
    refused(400, "AccessControlListNotSupported", s3.put_bucket_acl, Bucket="sub", ACL="public-read")

    refused(404, "NoSuchKey", s3.get_object_tagging, Bucket="sub", Key="k")
    s3.put_object(Bucket="sub", Key="k", Body=b"x", Tagging="a=b&c=d%20e")
    assert s3.get_object_tagging(Bucket="sub", Key="k")["TagSet"] == [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d e"}]
    assert s3.get_object(Bucket="sub", Key="k")["TagCount"] == 2
    s3.put_object_tagging(Bucket="sub", Key="k", Tagging={"TagSet": [{"Key": "z", "Value": ""}]})
    assert s3.get_object_tagging(Bucket="sub", Key="k")["TagSet"] == [{"Key": "z", "Value": ""}]
    s3.delete_object_tagging(Bucket="sub", Key="k")
    assert s3.get_object_tagging(Bucket="sub", Key="k")["TagSet"] == []
    assert s3.get_object_acl(Bucket="sub", Key="k")["Grants"]
    refused(400, "InvalidRequest", s3.get_object_retention, Bucket="sub", Key="k")
    attributes = s3.get_object_attributes(Bucket="sub", Key="k", ObjectAttributes=["ETag", "ObjectSize", "StorageClass", "Checksum"])
    assert attributes["ObjectSize"] == 1 and attributes["StorageClass"] == "STANDARD" and attributes["Checksum"]["ChecksumCRC32"], attributes
    refused(409, "BucketNotEmpty", s3.delete_bucket, Bucket="sub")


def bodies(s3):
    s3.create_bucket(Bucket="bodies", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    put = s3.put_object(Bucket="bodies", Key="k", Body=b"0123456789", ContentType="text/plain", CacheControl="no-store", StorageClass="STANDARD_IA")
    etag = put["ETag"]
    for spec, want, status in (("bytes=2-4", b"234", 206), ("bytes=7-", b"789", 206), ("bytes=-3", b"789", 206), ("bytes=5-100", b"56789", 206), ("bytes=x", b"0123456789", 200)):
        got = s3.get_object(Bucket="bodies", Key="k", Range=spec)
        assert (got["Body"].read(), got["ResponseMetadata"]["HTTPStatusCode"]) == (want, status), spec
    assert s3.get_object(Bucket="bodies", Key="k", Range="bytes=2-4")["ContentRange"] == "bytes 2-4/10"
    refused(416, "InvalidRange", s3.get_object, Bucket="bodies", Key="k", Range="bytes=10-")
    head = s3.head_object(Bucket="bodies", Key="k", ChecksumMode="ENABLED")
    assert (head["ContentLength"], head["ContentType"], head["CacheControl"], head["StorageClass"], head["ETag"]) == (10, "text/plain", "no-store", "STANDARD_IA", etag), head
    assert head["ChecksumCRC32"], head
    refused(304, "304", s3.get_object, Bucket="bodies", Key="k", IfNoneMatch=etag)
    refused(412, "PreconditionFailed", s3.get_object, Bucket="bodies", Key="k", IfMatch='"x"')
    refused(412, "PreconditionFailed", s3.put_object, Bucket="bodies", Key="k", Body=b"", IfNoneMatch="*")
    refused(412, "PreconditionFailed", s3.put_object, Bucket="bodies", Key="k", Body=b"", IfMatch='"x"')
    refused(404, "NoSuchKey", s3.put_object, Bucket="bodies", Key="none", Body=b"", IfMatch='"x"')
    s3.put_object(Bucket="bodies", Key="new", Body=b"", IfNoneMatch="*")
    refused(400, "BadDigest", s3.put_object, Bucket="bodies", Key="k", Body=b"x", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
    refused(400, "BadDigest", s3.put_object, Bucket="bodies", Key="k", Body=b"x", ChecksumSHA256="AAAA")

    copied = s3.copy_object(Bucket="bodies", Key="c/ö +", CopySource={"Bucket": "bodies", "Key": "k"})
    assert copied["CopyObjectResult"]["ETag"] == etag
    assert s3.head_object(Bucket="bodies", Key="c/ö +")["ContentType"] == "text/plain"
    s3.copy_object(Bucket="bodies", Key="back", CopySource={"Bucket": "bodies", "Key": "c/ö +"}, MetadataDirective="REPLACE", Metadata={"m": "n"})
    assert s3.head_object(Bucket="bodies", Key="back")["Metadata"] == {"m": "n"}
    refused(400, "InvalidRequest", s3.copy_object, Bucket="bodies", Key="k", CopySource={"Bucket": "bodies", "Key": "k"})
    refused(404, "NoSuchKey", s3.copy_object, Bucket="bodies", Key="x", CopySource={"Bucket": "bodies", "Key": "none"})
    refused(412, "PreconditionFailed", s3.copy_object, Bucket="bodies", Key="x", CopySource={"Bucket": "bodies", "Key": "k"}, CopySourceIfMatch="x")


def parts(s3):
    five = b"p" * (5 << 20)
    up = s3.create_multipart_upload(Bucket="bodies", Key="parts", ContentType="text/x", ChecksumAlgorithm="SHA256")["UploadId"]
    one = s3.upload_part(Bucket="bodies", Key="parts", UploadId=up, PartNumber=1, Body=five)
    s3.put_object(Bucket="bodies", Key="source", Body=b"0123456789")
    two = s3.upload_part_copy(Bucket="bodies", Key="parts", UploadId=up, PartNumber=2, CopySource="bodies/source", CopySourceRange="bytes=2-5")["CopyPartResult"]
    assert [p["PartNumber"] for p in s3.list_parts(Bucket="bodies", Key="parts", UploadId=up)["Parts"]] == [1, 2]
    assert s3.list_parts(Bucket="bodies", Key="parts", UploadId=up, MaxParts=1)["IsTruncated"]
    assert [u["Key"] for u in s3.list_multipart_uploads(Bucket="bodies")["Uploads"]] == ["parts"]

    def complete(*numbers):
        return {"Parts": [{"PartNumber": n, "ETag": {1: one, 2: two}.get(n, two)["ETag"]} for n in numbers]}

    refused(400, "InvalidPartOrder", s3.complete_multipart_upload, Bucket="bodies", Key="parts", UploadId=up, MultipartUpload=complete(2, 1))
    refused(400, "InvalidPart", s3.complete_multipart_upload, Bucket="bodies", Key="parts", UploadId=up, MultipartUpload=complete(1, 3))
    done = s3.complete_multipart_upload(Bucket="bodies", Key="parts", UploadId=up, MultipartUpload=complete(1, 2))
    assert done["ETag"].endswith('-2"'), done
    got = s3.get_object(Bucket="bodies", Key="parts")
    assert got["Body"].read() == five + b"2345" and got["ContentType"] == "text/x"
    last = s3.get_object(Bucket="bodies", Key="parts", PartNumber=2)
    assert last["Body"].read() == b"2345" and last["PartsCount"] == 2
    refused(404, "NoSuchUpload", s3.list_parts, Bucket="bodies", Key="parts", UploadId=up)
    small = s3.create_multipart_upload(Bucket="bodies", Key="small")["UploadId"]
    a = s3.upload_part(Bucket="bodies", Key="small", UploadId=small, PartNumber=1, Body=b"a")["ETag"]
    b = s3.upload_part(Bucket="bodies", Key="small", UploadId=small, PartNumber=2, Body=b"b")["ETag"]
    refused(
        400, "EntityTooSmall", s3.complete_multipart_upload, Bucket="bodies", Key="small", UploadId=small,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": a}, {"PartNumber": 2, "ETag": b}]},
    )
    s3.abort_multipart_upload(Bucket="bodies", Key="small", UploadId=small)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket="bodies")
    refused(404, "404", s3.head_object, Bucket="bodies", Key="small")


def main(endpoint):
    session = boto3.Session(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret", region_name="eu-west-1")
    s3 = session.client("s3", endpoint_url=endpoint, config=Config(retries={"total_max_attempts": 1}))
    for part in (keys, pages, missing, subresources, bodies, parts):
        part(s3)
        print("S3:", part.__name__)


main(sys.argv[1])
