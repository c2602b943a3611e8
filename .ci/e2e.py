"""Headwater from outside: boto3 and the AWS CLI, unmodified, against the release binary, which delivers to SeaweedFS; DuckDB
reads what landed. Starts and stops every server itself, on free loopback ports."""

import argparse
import base64
import collections
import contextlib
import gzip
import io
import json
import pathlib
import sys
import threading
import time
import traceback

import duckdb
from pyarrow import compute, parquet

import e2e_kinesis  # noqa: F401, registers its checks, which run first
import e2e_glue  # noqa: F401, registers its checks, which run next
import e2e_firehose  # noqa: F401, and so on
import e2e_iceberg  # noqa: F401
import e2e_endpoints  # noqa: F401
from e2e_delivery import prepare
from e2e_world import CHECKS, Skip, World, check, destination, equal, read_shard, wait_for

# Figures of web-hits.ndjson.gz, from the README beside it.
WEB_HITS = {
    "rows": 9_999,
    "bytes": 2_747_282_505,
    "statuses": {200: 9_125, 304: 445, 404: 213, 301: 164, 206: 45, 500: 3, 403: 2, 416: 2},
}

@check
def server_says_that_it_is_ready_and_healthy(world):
    assert world.headwater.get("/healthz").startswith("ok")
    metrics = world.headwater.get("/metrics")
    assert "kinesis_records_total" in metrics and metrics.endswith("# EOF\n"), metrics[-500:]


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
    # Another reader, with a Parquet implementation of its own.
    files = [parquet.read_table(io.BytesIO(world.s3.read(key))) for key in world.s3.keys("hits/")]
    figures = [(table.num_rows, compute.sum(table["bytes"]).as_py()) for table in files]
    equal(tuple(map(sum, zip(*figures))), (WEB_HITS["rows"], WEB_HITS["bytes"]))
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
    prepare(world)
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
