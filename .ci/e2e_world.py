"""The servers, clients and helpers that the end-to-end checks share."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
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
        self.options = {}

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
            **self.options,
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

    def client(self, service, secret=SECRET_KEY, key=ACCESS_KEY, attempts=3, **config):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(retries={"mode": "standard", "total_max_attempts": attempts}, **config),
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
        """A client that is patient: calls such as CreateStream have rates, and the checks follow each other fast."""
        return self.headwater.client("kinesis", attempts=8)

    @property
    def firehose(self):
        return self.headwater.client("firehose")

    def metric(self, name, delivery_stream):
        """A metric of a delivery stream; 0 if there is none yet."""
        wanted = f'{name}{{delivery_stream="{delivery_stream}"}} '
        lines = self.headwater.get("/metrics").splitlines()
        return sum(float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))

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
