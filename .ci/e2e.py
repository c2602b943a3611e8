"""Headwater from outside: boto3 and the AWS CLI, unmodified, against the release binary, which delivers to SeaweedFS; DuckDB
reads what landed. Starts and stops every server itself, on free loopback ports."""

import argparse
import base64
import collections
import contextlib
import gzip
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
import urllib.request

import boto3
import duckdb
from botocore.config import Config
from botocore.exceptions import ClientError

REGION = "us-east-1"
ACCOUNT = "123456789012"
ACCESS_KEY, SECRET_KEY = "headwater", "headwater-secret"  # as in configs/s3.toml
BUCKET = "lake"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/headwater"
PATIENCE_SECONDS = 60

# Figures of web-hits.ndjson.gz, from the README beside it.
WEB_HITS = {
    "rows": 9_999,
    "bytes": 2_747_282_505,
    "statuses": {200: 9_125, 304: 445, 404: 213, 301: 164, 206: 45, 500: 3, 403: 2, 416: 2},
}

CHECKS = []


def check(function):
    """Registers a check; they run in the order of the file."""
    CHECKS.append(function)
    return function


class Skip(Exception):
    """The check cannot run here."""


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def wait_for(what, condition, seconds=PATIENCE_SECONDS):
    """The first true value of `condition`, asked again and again."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.1)


def end_with_parent():
    """Has the kernel kill a child when this program ends, however it ends."""
    import ctypes

    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class SeaweedFs:
    """An S3-compatible server that demands signatures."""

    def __init__(self, program, work):
        self.program, self.dir = program, work / "seaweedfs"
        self.dir.mkdir(parents=True)
        names = ["master", "master.grpc", "volume", "volume.grpc", "filer", "filer.grpc", "s3", "s3.grpc"]
        self.ports = dict(zip(names, free_ports(len(names))))
        self.endpoint = f"http://127.0.0.1:{self.ports['s3']}"
        actions = ["Admin", "Read", "List", "Tagging", "Write"]
        credentials = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
        identities = {"identities": [{"name": "ci", "credentials": credentials, "actions": actions}]}
        (self.dir / "s3.json").write_text(json.dumps(identities))
        self.process = None
        self.client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(retries={"max_attempts": 1}, connect_timeout=2, read_timeout=10),
        )

    def start(self):
        ports = [
            f"-{name.replace('.grpc', '')}.port{'.grpc' if name.endswith('.grpc') else ''}={port}"
            for name, port in self.ports.items()
        ]
        command = [self.program, "server", f"-dir={self.dir}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
        command += [f"-s3.config={self.dir / 's3.json'}", "-s3.iam=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
        command += ["-volume.max=20", "-master.volumeSizeLimitMB=64", *ports]
        log = open(self.dir / "log", "ab")
        self.process = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=end_with_parent)
        wait_for("SeaweedFS starts", self.is_ready)

    def is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"SeaweedFS ended: {(self.dir / 'log').read_text()[-2000:]}")
        try:
            if BUCKET not in [bucket["Name"] for bucket in self.client.list_buckets()["Buckets"]]:
                self.client.create_bucket(Bucket=BUCKET)
            self.client.put_object(Bucket=BUCKET, Key="probe/ready", Body=b"ready")
            return True
        except Exception:  # whatever it is, it is not ready
            return False

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        for port in self.ports.values():
            for path in pathlib.Path("/tmp").glob(f"seaweedfs-*{port}.sock"):
                path.unlink(missing_ok=True)

    def keys(self, prefix):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return sorted(entry["Key"] for page in pages for entry in page.get("Contents", []))

    def read(self, key):
        return self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()


class Headwater:
    """The release binary with configs/s3.toml."""

    def __init__(self, program, work, s3):
        self.program, self.dir, self.log = program, work / "data", work / "headwater.log"
        self.s3, self.process, self.url = s3, None, None

    def environment(self):
        """Our own environment, with the credentials of configs/s3.toml and nobody else's."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HEADWATER_"))}
        return kept | {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        }

    def start(self):
        command = [self.program, "serve", "--config", "configs/s3.toml", "--listen", "127.0.0.1:0"]
        command += ["--data-dir", str(self.dir)]
        environment = self.environment() | {
            "HEADWATER_OBJECT_STORE__ENDPOINT": self.s3.endpoint,
            "HEADWATER_KINESIS__STREAMS__FAST__ENFORCE": "false",
        }
        log = open(self.log, "ab")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, env=environment, text=True, preexec_fn=end_with_parent
        )
        line = self.process.stdout.readline()
        if not line.startswith("headwater ready on http://"):
            raise RuntimeError(f"headwater is not ready: {line!r} {self.log.read_text()[-2000:]}")
        self.url = line.split()[-1]

    def stop(self):
        """Stops it in order; returns the exit code."""
        if not self.process:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE_SECONDS)
        finally:
            self.kill()

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def run(self, *arguments, **options):
        """A command of the same binary."""
        return subprocess.run(
            [self.program, *map(str, arguments)], env=self.environment(), capture_output=True, timeout=120, **options
        )

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return answer.read().decode()

    def client(self, service, secret=SECRET_KEY, key=ACCESS_KEY, **config):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(retries={"max_attempts": 2}, **config),
        )


class World:
    """The servers and clients that the checks share."""

    def __init__(self, arguments):
        self.work = arguments.work.resolve()
        self.work.mkdir(parents=True)
        self.data, self.venv = arguments.data, arguments.venv.resolve()
        self.s3 = SeaweedFs(str(self.venv / "bin" / "weed"), self.work)
        self.headwater = Headwater(str(arguments.headwater.resolve()), self.work, self.s3)

    @property
    def kinesis(self):
        return self.headwater.client("kinesis")

    @property
    def firehose(self):
        return self.headwater.client("firehose")

    def aws(self, *arguments):
        """The AWS CLI; its answer as JSON, if it gives one."""
        done = self.aws_raw(*arguments)
        if done.returncode != 0:
            raise RuntimeError(f"aws {' '.join(arguments)}: {done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def aws_raw(self, *arguments):
        command = [str(self.venv / "bin" / "aws"), "--endpoint-url", self.headwater.url, "--output", "json", *arguments]
        return subprocess.run(command, env=self.headwater.environment(), capture_output=True, text=True, timeout=120)

    def create_stream(self, name, shards):
        self.kinesis.create_stream(StreamName=name, ShardCount=shards)
        self.kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        return self.kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]

    def create_parquet_delivery(self, name, stream_arn):
        self.firehose.create_delivery_stream(
            DeliveryStreamName=name,
            DeliveryStreamType="KinesisStreamAsSource",
            KinesisStreamSourceConfiguration={"KinesisStreamARN": stream_arn, "RoleARN": ROLE},
            ExtendedS3DestinationConfiguration=destination(
                f"{name}/",
                f"{name}-errors/",
                DataFormatConversionConfiguration={
                    "Enabled": True,
                    "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
                    "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
                },
            ),
        )
        self.wait_until_active(name)

    def wait_until_active(self, name):
        def is_active():
            described = self.firehose.describe_delivery_stream(DeliveryStreamName=name)
            return described["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE"

        wait_for(f"delivery stream {name} is ACTIVE", is_active)

    def parquet(self, prefix):
        """The Parquet files below a prefix, downloaded, as a DuckDB relation; None if there is none yet."""
        folder = self.work / "parquet" / prefix.strip("/")
        folder.mkdir(parents=True, exist_ok=True)
        keys = self.s3.keys(prefix)
        for key in keys:
            path = folder / key.replace("/", "_")
            if not path.exists():
                path.write_bytes(self.s3.read(key))
        return duckdb.sql(f"SELECT * FROM read_parquet('{folder}/*', union_by_name = true)") if keys else None

    def parquet_rows(self, prefix, count):
        """The relation once it has at least so many rows."""

        def landed():
            relation = self.parquet(prefix)
            return relation if relation and len(relation) >= count else None

        return wait_for(f"{count} rows below {prefix}", landed)


def destination(prefix, error_prefix, **more):
    size = 64 if "DataFormatConversionConfiguration" in more else 1
    return {
        "RoleARN": ROLE,
        "BucketARN": f"arn:aws:s3:::{BUCKET}",
        "Prefix": prefix,
        "ErrorOutputPrefix": error_prefix,
        "BufferingHints": {"SizeInMBs": size, "IntervalInSeconds": 1},
        **more,
    }


def expect_error(code, status, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        found = (error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"])
        assert found == (code, status), (found, str(error))
        assert error.response["ResponseMetadata"].get("RequestId"), "no request id"
        return error.response["Error"]["Message"]
    raise AssertionError(f"no {code}")


def equal(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


def read_shard(kinesis, stream, shard, **position):
    iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, **position)["ShardIterator"]
    records = []
    while True:
        answer = kinesis.get_records(ShardIterator=iterator, Limit=1000)
        records += answer["Records"]
        iterator = answer["NextShardIterator"]
        if answer["MillisBehindLatest"] == 0:
            return records
        time.sleep(0.25)


@check
def server_says_that_it_is_ready_and_healthy(world):
    assert world.headwater.get("/healthz").startswith("ok")
    metrics = world.headwater.get("/metrics")
    assert "kinesis_records_total" in metrics and metrics.endswith("# EOF\n"), metrics[-500:]


@check
def boto3_creates_writes_and_reads_a_stream(world):
    kinesis = world.kinesis
    arn = world.create_stream("first", 2)
    equal(arn, f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/first")
    one = kinesis.put_record(StreamName="first", PartitionKey="a", Data=b"\x00\xffone")
    entries = [{"PartitionKey": str(number), "Data": f"record {number}".encode()} for number in range(300)]
    many = kinesis.put_records(StreamName="first", Records=entries)
    equal((many["FailedRecordCount"], len(many["Records"])), (0, 300))
    shards = [shard["ShardId"] for shard in kinesis.list_shards(StreamName="first")["Shards"]]
    equal(shards, ["shardId-000000000000", "shardId-000000000001"])
    stored = [record for shard in shards for record in read_shard(kinesis, "first", shard, ShardIteratorType="TRIM_HORIZON")]
    equal(sorted(record["Data"] for record in stored), sorted([b"\x00\xffone", *(entry["Data"] for entry in entries)]))
    again = read_shard(
        kinesis, "first", one["ShardId"], ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber=one["SequenceNumber"]
    )
    equal((again[0]["Data"], again[0]["PartitionKey"]), (b"\x00\xffone", "a"))
    after = read_shard(
        kinesis, "first", one["ShardId"], ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=one["SequenceNumber"]
    )
    equal(len(after), len(again) - 1)
    at_time = read_shard(kinesis, "first", one["ShardId"], ShardIteratorType="AT_TIMESTAMP", Timestamp=0)
    equal(len(at_time), len(again))
    equal(read_shard(kinesis, "first", one["ShardId"], ShardIteratorType="LATEST"), [])
    numbers = [int(record["SequenceNumber"]) for record in again]
    equal(numbers, sorted(set(numbers)))


@check
def streams_are_described_listed_and_deleted(world):
    kinesis = world.kinesis
    world.create_stream("second", 1)
    described = kinesis.describe_stream(StreamName="second")["StreamDescription"]
    equal((described["StreamStatus"], len(described["Shards"])), ("ACTIVE", 1))
    equal(kinesis.list_streams()["StreamNames"], ["first", "second"])
    kinesis.delete_stream(StreamName="second")
    kinesis.get_waiter("stream_not_exists").wait(StreamName="second", WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    equal(kinesis.list_streams()["StreamNames"], ["first"])


@check
def mistakes_get_the_codes_of_aws(world):
    kinesis, firehose = world.kinesis, world.firehose
    lax = world.headwater.client("kinesis", parameter_validation=False)
    put = {"StreamName": "first", "PartitionKey": "k", "Data": b"x"}
    message = expect_error("ResourceNotFoundException", 400, kinesis.put_record, **put | {"StreamName": "absent"})
    assert "absent" in message, message
    message = expect_error("ValidationException", 400, lax.put_record, **put | {"PartitionKey": "k" * 257})
    assert "partitionKey" in message and "256" in message, message
    expect_error("ValidationException", 400, lax.put_record, **put | {"Data": b"x" * (1 << 20)})
    expect_error("ValidationException", 400, lax.put_records, StreamName="first", Records=[])
    expect_error("ResourceInUseException", 400, kinesis.create_stream, StreamName="first", ShardCount=1)
    forged = base64.b64encode(b"forged" * 20).decode()
    expect_error("InvalidArgumentException", 400, kinesis.get_records, ShardIterator=forged)
    expect_error("ResourceNotFoundException", 400, firehose.describe_delivery_stream, DeliveryStreamName="absent")
    stranger = world.headwater.client("kinesis", key="stranger")
    expect_error("UnrecognizedClientException", 400, stranger.list_streams)
    liar = world.headwater.client("kinesis", secret="wrong")
    expect_error("InvalidSignatureException", 400, liar.list_streams)
    # The connection and the stream are as good as before.
    equal(kinesis.put_record(**put)["ShardId"][:8], "shardId-")


@check
def aws_cli_drives_kinesis(world):
    world.aws("kinesis", "create-stream", "--stream-name", "cli", "--shard-count", "1")
    world.aws("kinesis", "wait", "stream-exists", "--stream-name", "cli")
    path = world.work / "record"
    path.write_bytes("grüße".encode())
    put = world.aws("kinesis", "put-record", "--stream-name", "cli", "--partition-key", "k", "--data", f"fileb://{path}")
    equal(put["ShardId"], "shardId-000000000000")
    iterator = world.aws(
        *["kinesis", "get-shard-iterator", "--stream-name", "cli", "--shard-id", put["ShardId"]],
        *["--shard-iterator-type", "TRIM_HORIZON"],
    )["ShardIterator"]
    records = world.aws("kinesis", "get-records", "--shard-iterator", iterator)["Records"]
    equal([base64.b64decode(record["Data"]).decode() for record in records], ["grüße"])
    refused = world.aws_raw("kinesis", "describe-stream", "--stream-name", "absent")
    assert refused.returncode != 0 and "ResourceNotFoundException" in refused.stderr, refused


@check
def aws_cli_drives_firehose(world):
    configuration = json.dumps(destination("cli/", "cli-errors/"))
    world.aws(
        *["firehose", "create-delivery-stream", "--delivery-stream-name", "cli", "--delivery-stream-type", "DirectPut"],
        *["--extended-s3-destination-configuration", configuration],
    )
    world.wait_until_active("cli")
    equal(world.aws("firehose", "list-delivery-streams")["DeliveryStreamNames"], ["cli"])
    # The AWS CLI of PyPI (version 1) takes plain text here and encodes it; version 2 takes base64.
    record = json.dumps({"Data": "from the command line\n"})
    put = world.aws("firehose", "put-record", "--delivery-stream-name", "cli", "--record", record)
    assert put["RecordId"], put
    key = wait_for("the object", lambda: world.s3.keys("cli/"))[0]
    equal(world.s3.read(key), b"from the command line\n")
    world.aws("firehose", "delete-delivery-stream", "--delivery-stream-name", "cli")
    wait_for("deletion", lambda: world.aws("firehose", "list-delivery-streams")["DeliveryStreamNames"] == [])


@check
def direct_puts_land_verbatim(world):
    world.firehose.create_delivery_stream(
        DeliveryStreamName="raw",
        DeliveryStreamType="DirectPut",
        ExtendedS3DestinationConfiguration=destination("raw/!{timestamp:yyyy}/", "raw-errors/"),
    )
    world.wait_until_active("raw")
    sent = [f"line {number}\n".encode() for number in range(400)]
    put = world.firehose.put_record_batch(DeliveryStreamName="raw", Records=[{"Data": data} for data in sent])
    equal(put["FailedPutCount"], 0)

    def landed():
        return b"".join(world.s3.read(key) for key in world.s3.keys("raw/")) == b"".join(sent)

    wait_for("the records as they were sent", landed)
    equal(world.s3.keys("raw/")[0].split("/")[1], time.strftime("%Y", time.gmtime()))


@check
def records_that_do_not_convert_go_to_the_error_prefix(world):
    arn = world.create_stream("mixed", 1)
    world.create_parquet_delivery("mixed", arn)
    sent = [b'{"id":1,"name":"a"}', b"no json at all", b'{"id":2,"name":null}', b'{"id":3,"name":"c","extra":[1,2]}']
    world.kinesis.put_records(StreamName="mixed", Records=[{"PartitionKey": "k", "Data": data} for data in sent])
    rows = world.parquet_rows("mixed/", 3).order("id").project("id, name").fetchall()
    equal(rows, [(1, "a"), (2, None), (3, "c")])
    key = wait_for("the error object", lambda: world.s3.keys("mixed-errors/"))[0]
    failed = [json.loads(line) for line in world.s3.read(key).splitlines()]
    equal([base64.b64decode(record["rawData"]) for record in failed], [b"no json at all"])
    assert failed[0]["lastErrorCode"] and failed[0]["lastErrorMessage"], failed


def web_hits(world):
    path = world.data / "web-hits.ndjson.gz"
    if not path.exists():
        raise Skip(f"{path} is not there")
    return path


@check
def real_requests_become_parquet_with_the_right_figures(world):
    path = web_hits(world)
    arn = world.create_stream("fast", 4)
    world.create_parquet_delivery("hits", arn)
    put = world.headwater.run(
        *["put", "--stream", "fast", "--partition-key-field", "client_ip", "--endpoint", world.headwater.url, path]
    )
    equal((put.returncode, put.stdout), (0, b""))
    relation = world.parquet_rows("hits/", WEB_HITS["rows"])  # noqa: F841, DuckDB finds it by its name
    totals = duckdb.sql("SELECT count(*), sum(bytes) FROM relation").fetchall()
    equal(totals, [(WEB_HITS["rows"], WEB_HITS["bytes"])])
    statuses = duckdb.sql("SELECT status, count(*) FROM relation GROUP BY status").fetchall()
    equal(dict(statuses), WEB_HITS["statuses"])
    equal(world.s3.keys("hits-errors/"), [])


@check
def tail_prints_what_was_put(world):
    path = web_hits(world)
    tail = world.headwater.run(
        *["tail", "--stream", "fast", "--from", "trim-horizon", "--no-follow", "--endpoint", world.headwater.url]
    )
    equal(tail.returncode, 0)
    equal(sorted(tail.stdout.splitlines()), sorted(gzip.decompress(path.read_bytes()).splitlines()))


@check
def resharded_stream_is_read_and_delivered_completely(world):
    arn = world.create_stream("growing", 1)
    world.create_parquet_delivery("growing", arn)
    put_numbers(world, "growing", 0, 100)
    world.kinesis.update_shard_count(StreamName="growing", TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    put_numbers(world, "growing", 100, 200)
    tail = world.headwater.run(
        *["tail", "--stream", "growing", "--from", "trim-horizon", "--no-follow", "--endpoint", world.headwater.url]
    )
    printed = [json.loads(line)["number"] for line in tail.stdout.splitlines()]
    # The parent's records come before its children's.
    equal((sorted(printed[:100]), sorted(printed)), (list(range(100)), list(range(200))))
    equal(numbers_in(world.parquet_rows("growing/", 200)), list(range(200)))


@check
def delivery_resumes_when_the_bucket_returns(world):
    arn = world.create_stream("patient", 1)
    world.create_parquet_delivery("patient", arn)
    put_numbers(world, "patient", 0, 100)
    world.parquet_rows("patient/", 100)
    world.s3.stop()
    put_numbers(world, "patient", 100, 200)
    wait_for("the trouble shows", lambda: "retrying" in world.headwater.get("/healthz"))
    world.s3.start()
    equal(numbers_in(world.parquet_rows("patient/", 200)), list(range(200)))
    wait_for("the trouble is over", lambda: "retrying" not in world.headwater.get("/healthz"))


@check
def stopped_and_started_again_it_goes_on_where_it_was(world):
    put_numbers(world, "patient", 200, 300)
    equal(world.headwater.stop(), 0)
    world.headwater.start()
    put_numbers(world, "patient", 300, 400)
    equal(numbers_in(world.parquet_rows("patient/", 400)), list(range(400)))
    shard = world.kinesis.list_shards(StreamName="patient")["Shards"][0]["ShardId"]
    equal(len(read_shard(world.kinesis, "patient", shard, ShardIteratorType="TRIM_HORIZON")), 400)


@check
def killed_and_started_again_it_has_what_it_acknowledged_once(world):
    arn = world.create_stream("crash", 2)
    world.create_parquet_delivery("crash", arn)
    acknowledged, next_number = set(), 0
    for _ in range(3):
        killer = threading.Timer(1.5, world.headwater.process.kill)
        killer.start()
        kinesis = world.headwater.client("kinesis", connect_timeout=2, read_timeout=5)
        with contextlib.suppress(Exception):  # the server goes away, in whatever way the client puts it
            while True:
                numbers = range(next_number, next_number + 20)
                next_number += 20
                entries = [{"PartitionKey": str(n), "Data": json.dumps({"number": n}).encode()} for n in numbers]
                answer = kinesis.put_records(StreamName="crash", Records=entries)
                done = zip(numbers, answer["Records"])
                acknowledged |= {number for number, result in done if "ErrorCode" not in result}
        killer.join()
        world.headwater.kill()
        world.headwater.start()
    assert acknowledged, "nothing was acknowledged"
    put_numbers(world, "crash", 10_000_000, 10_000_001)
    stored = [
        json.loads(record["Data"])["number"]
        for shard in world.kinesis.list_shards(StreamName="crash")["Shards"]
        for record in read_shard(world.kinesis, "crash", shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    ]
    # A client may send again what was stored without its hearing of it, so only the acknowledged are counted.
    equal(acknowledged - set(stored), set())
    landed = collections.Counter(numbers_in(world.parquet_rows("crash/", len(stored))))
    equal(landed, collections.Counter(stored))


@check
def verify_finds_no_damage_in_the_stopped_store(world):
    equal(world.headwater.stop(), 0)
    verified = world.headwater.run("verify", world.headwater.dir)
    equal((verified.returncode, verified.stdout), (0, b""))


def put_numbers(world, stream, first, end):
    entries = [{"PartitionKey": str(n), "Data": json.dumps({"number": n}).encode()} for n in range(first, end)]
    equal(world.kinesis.put_records(StreamName=stream, Records=entries)["FailedRecordCount"], 0)


def numbers_in(relation):
    return sorted(row[0] for row in relation.project("number").fetchall())


def run_checks(world):
    counts = collections.Counter()
    for function in CHECKS:
        name, started = function.__name__.replace("_", " "), time.monotonic()
        try:
            function(world)
            outcome, detail = "passed", ""
        except Skip as reason:
            outcome, detail = "skipped", f": {reason}"
        except Exception:
            outcome, detail = "failed", "\n" + traceback.format_exc()
        counts[outcome] += 1
        print(f"{outcome:>7} {time.monotonic() - started:6.1f} s  {name}{detail}", flush=True)
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ["headwater", "venv", "work", "data"]:
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    world = World(parser.parse_args())
    try:
        world.s3.start()
        world.headwater.start()
        counts = run_checks(world)
        if counts["failed"]:
            print(f"the end of headwater's log:\n{world.headwater.log.read_text()[-6000:]}")
    finally:
        world.headwater.kill()
        world.s3.stop()
    print(f"e2e: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
