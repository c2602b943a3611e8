"""Delivery streams with boto3: what is done to records on their way, and each kind of destination, against peers that look
closely at what they are sent."""

import base64
import collections
import contextlib
import gzip
import io
import json
import struct
import threading
import time
import zipfile

import duckdb

from e2e_peer import Peer, PostgreSql
from e2e_world import ACCOUNT, BUCKET, REGION, ROLE, Skip, check, destination, equal, expect_error, wait_for

ARN = f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/"


def prepare(world):
    """Before the servers start: the peer, and what AWS's API cannot say of the delivery streams."""
    world.peer = Peer()
    world.headwater.options = {
        "HEADWATER_FIREHOSE__STREAMS__TIMED": "{ event-time-column = 'event.at', lateness = '1h' }",
        "HEADWATER_FIREHOSE__STREAMS__CLOSING": "{ partitions = { success-marker = true, manifest = true,"
        f" close-delay = '1s' }}, notify = [{{ url = '{world.peer.url}/landed', configuration-id = 'ci' }}] }}",
    }


@contextlib.contextmanager
def delivery(world, name, **configuration):
    """A delivery stream from direct puts, unless it is told otherwise; deleted in the end."""
    source = {} if "DeliveryStreamType" in configuration else {"DeliveryStreamType": "DirectPut"}
    world.firehose.create_delivery_stream(DeliveryStreamName=name, **source, **configuration)
    try:
        world.wait_until_active(name)
        yield
    finally:
        world.firehose.delete_delivery_stream(DeliveryStreamName=name)


def put(world, name, records):
    """Puts records: bytes, or what becomes JSON."""
    entries = [{"Data": record if isinstance(record, bytes) else json.dumps(record).encode()} for record in records]
    answer = world.firehose.put_record_batch(DeliveryStreamName=name, Records=entries)
    equal(answer["FailedPutCount"], 0)


def processing(*processors):
    """A ProcessingConfiguration: each processor a type and its parameters."""
    return {
        "Enabled": True,
        "Processors": [
            {
                "Type": kind,
                "Parameters": [{"ParameterName": name, "ParameterValue": value} for name, value in parameters.items()],
            }
            for kind, parameters in processors
        ],
    }


def jq(query):
    return "MetadataExtraction", {"MetadataExtractionQuery": query, "JsonParsingEngine": "JQ-1.6"}


def partitioned(prefix, error_prefix, *processors, **more):
    configuration = destination(prefix, error_prefix, **more)
    configuration["BufferingHints"]["SizeInMBs"] = 64
    configuration["DynamicPartitioningConfiguration"] = {"Enabled": True, "RetryOptions": {"DurationInSeconds": 300}}
    if processors:
        configuration["ProcessingConfiguration"] = processing(*processors)
    return configuration


def contents(world, prefix):
    """The objects below a prefix, by what follows it in their keys."""
    return {key.removeprefix(prefix): world.s3.read(key) for key in world.s3.keys(prefix)}


def lines_by_folder(world, prefix, depth):
    """The lines of the objects below a prefix, by the first folders of their keys."""
    found = collections.defaultdict(list)
    for key, data in contents(world, prefix).items():
        found["/".join(key.split("/")[:depth])] += data.splitlines()
    return found


def wait_for_lines(world, prefix, count, depth=0):
    def landed():
        found = lines_by_folder(world, prefix, depth)
        return found if sum(map(len, found.values())) >= count else None

    return wait_for(f"{count} lines below {prefix}", landed)


def error_lines(world, prefix, count):
    return [json.loads(line) for lines in wait_for_lines(world, prefix, count).values() for line in lines]


def numbers(lines):
    return sorted(json.loads(line)["n"] for line in lines)


@check
def records_land_once_below_the_keys_that_jq_makes(world):
    prefix = "keyed/customer=!{partitionKeyFromQuery:customer}/kind=!{partitionKeyFromQuery:kind}/"
    configuration = partitioned(
        *[prefix, "keyed-errors/!{firehose:error-output-type}/"],
        jq("{customer: .customer.id, kind: (.kind | ascii_downcase)}"),
        ("AppendDelimiterToRecord", {"Delimiter": "\\n"}),
    )
    with delivery(world, "keyed", ExtendedS3DestinationConfiguration=configuration):
        sent = [{"n": n, "customer": {"id": n % 7}, "kind": ["View", "BUY"][n % 2]} for n in range(420)]
        bad = [b"no json", b'{"n":1000,"kind":"View"}']
        put(world, "keyed", sent[:200] + bad + sent[200:])
        found = wait_for_lines(world, "keyed/", len(sent), depth=2)
        expected = collections.defaultdict(list)
        for record in sent:
            expected[f"customer={record['customer']['id']}/kind={record['kind'].lower()}"].append(record)
        order = lambda records: sorted(records, key=lambda record: record["n"])  # noqa: E731
        equal({key: order(map(json.loads, lines)) for key, lines in found.items()}, dict(expected))
        assert all(data.endswith(b"}\n") for data in contents(world, "keyed/").values())
        failed = error_lines(world, "keyed-errors/processing-failed/", 2)
        equal(sorted(base64.b64decode(line["rawData"]) for line in failed), sorted(bad))
        equal({line["errorCode"] for line in failed}, {"DynamicPartitioning.MetadataExtractionFailed"})
        messages = {base64.b64decode(line["rawData"]): line["errorMessage"] for line in failed}
        assert messages[bad[0]].startswith("Non JSON record provided"), messages
        equal(messages[bad[1]], "partitionKeys values must not be null or empty")
        members = ["attemptsMade", "arrivalTimestamp", "errorCode", "errorMessage", "attemptEndingTimestamp", "rawData"]
        equal(list(failed[0]), members)
        assert abs(failed[0]["arrivalTimestamp"] / 1000 - time.time()) < 600, failed[0]
        equal(world.s3.keys("keyed-errors/"), world.s3.keys("keyed-errors/processing-failed/"))


@check
def parquet_lands_below_its_keys_once(world):
    prefix = "hive/region=!{partitionKeyFromQuery:region}/"
    conversion = {
        "Enabled": True,
        "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
    }
    configuration = partitioned(
        *[prefix, "hive-errors/", jq("{region: .region}")], DataFormatConversionConfiguration=conversion
    )
    with delivery(world, "hive", ExtendedS3DestinationConfiguration=configuration):
        put(world, "hive", [{"n": n, "region": f"r{n % 3}"} for n in range(300)])
        for place in range(3):
            relation = world.parquet_rows(f"hive/region=r{place}/", 100)
            equal(sorted(relation.project("n, region").fetchall()), [(n, f"r{place}") for n in range(place, 300, 3)])
        equal(len(world.s3.keys("hive/")), len(world.s3.keys("hive/region=r")))


@check
def records_land_by_column_and_event_time_and_late_ones_apart(world):
    prefix = "timed/user=!{partitionKeyFromColumn:event.user}/!{event-time:yyyy/MM/dd/HH}/"
    delimiter = ("AppendDelimiterToRecord", {"Delimiter": "\\n"})
    configuration = partitioned(prefix, "timed-errors/!{firehose:error-output-type}/", delimiter)
    with delivery(world, "timed", ExtendedS3DestinationConfiguration=configuration):
        now = time.time()
        times = {"now": now - 60, "late": now - 86_400, "early": now + 7_200}
        sent = {name: {"n": n, "event": {"user": f"u{n}", "at": at}} for n, (name, at) in enumerate(times.items())}
        put(world, "timed", [*sent.values(), {"n": 3, "event": {"user": "u3"}}, {"n": 4, "event": {"at": now}}])
        hour = lambda at: time.strftime("%Y/%m/%d/%H", time.gmtime(at))  # noqa: E731
        equal(numbers(wait_for_lines(world, f"timed/user=u0/{hour(times['now'])}/", 1).popitem()[1]), [0])
        for number, name in [(1, "late"), (2, "early")]:
            folder = f"late/timed/user=u{number}/{hour(times[name])}/"
            equal(numbers(wait_for_lines(world, folder, 1).popitem()[1]), [number])
        failed = error_lines(world, "timed-errors/processing-failed/", 2)
        equal(numbers(base64.b64decode(line["rawData"]) for line in failed), [3, 4])
        equal([len(world.s3.keys(prefix)) for prefix in ["timed/", "late/"]], [1, 2])


def read_firehose_request(request, access_key, attributes):
    """The records of a request to an HTTP endpoint, and its id; all else must be as AWS documents it."""
    identifier, body = request.headers["x-amz-firehose-request-id"], request.json()
    equal(request.headers["x-amz-firehose-protocol-version"], "1.0")
    equal(request.headers["x-amz-firehose-access-key"], access_key)
    equal(json.loads(request.headers["x-amz-firehose-common-attributes"]), {"commonAttributes": attributes})
    equal((request.headers["content-type"], request.headers["content-encoding"]), ("application/json", "gzip"))
    equal(sorted(body), ["records", "requestId", "timestamp"])
    equal(body["requestId"], identifier)
    assert abs(body["timestamp"] / 1000 - time.time()) < 600, body["timestamp"]
    assert all(list(record) == ["data"] for record in body["records"]), body["records"]
    return identifier, [base64.b64decode(record["data"], validate=True) for record in body["records"]]


@check
def an_http_endpoint_gets_each_record_and_a_request_that_fails_again(world):
    attributes = {"stage": "ci", "wörld": "ü"}
    requests, lock = [], threading.Lock()

    def receive(request):
        equal(request.headers["x-amz-firehose-source-arn"], ARN + "hooked")
        identifier, records = read_firehose_request(request, "a secret", attributes)
        with lock:
            requests.append((identifier, records))
            if len(requests) == 1:
                return 500, {"requestId": identifier, "timestamp": 1, "errorMessage": "not now"}
        return 200, {"requestId": identifier, "timestamp": int(time.time() * 1000)}

    with world.peer.serving("hooked", receive) as url:
        configuration = {
            "EndpointConfiguration": {"Url": url, "Name": "peer", "AccessKey": "a secret"},
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 1},
            "RequestConfiguration": {
                "ContentEncoding": "GZIP",
                "CommonAttributes": [{"AttributeName": n, "AttributeValue": v} for n, v in attributes.items()],
            },
            "RoleARN": ROLE,
            "RetryOptions": {"DurationInSeconds": 300},
            "S3BackupMode": "AllData",
            "S3Configuration": destination("hooked-backup/", "hooked-errors/!{firehose:error-output-type}/"),
        }
        with delivery(world, "hooked", HttpEndpointDestinationConfiguration=configuration):
            sent = [f"record {n}\n".encode() + bytes([n % 256]) * 100 for n in range(400)]
            put(world, "hooked", sent)
            taken = lambda: [record for _, records in requests[1:] for record in records]  # noqa: E731
            wait_for("the requests", lambda: len(taken()) >= len(sent))
            equal(taken(), sent)
            equal(requests[1], requests[0])
            identifiers = [identifier for identifier, _ in requests[1:]]
            equal(len(identifiers), len(set(identifiers)))
            everything = b"".join(sent)
            backup = lambda: b"".join(contents(world, "hooked-backup/").values())  # noqa: E731
            wait_for("the backup", lambda: len(backup()) >= len(everything))
            equal(backup(), everything)
            description = world.firehose.describe_delivery_stream(DeliveryStreamName="hooked")
            assert "a secret" not in str(description), "the access key is told"
    equal(world.s3.keys("hooked-errors/"), [])


@check
def what_an_http_endpoint_refuses_goes_to_the_error_prefix(world):
    def refuse(request):
        return 413, {"requestId": request.json()["requestId"], "timestamp": 1, "errorMessage": "too large"}

    with world.peer.serving("refusing", refuse) as url:
        configuration = {
            "EndpointConfiguration": {"Url": url, "Name": "peer"},
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 1},
            "RoleARN": ROLE,
            "RetryOptions": {"DurationInSeconds": 0},
            "S3Configuration": destination("refused-backup/", "refused/!{firehose:error-output-type}/"),
        }
        with delivery(world, "refusing", HttpEndpointDestinationConfiguration=configuration):
            put(world, "refusing", [b"one", b"two"])
            failed = error_lines(world, "refused", 2)
            equal([base64.b64decode(line["rawData"]) for line in failed], [b"one", b"two"])
            equal({line["errorCode"] for line in failed}, {"HttpEndpoint.DestinationException"})
            assert all(line["EventId"] for line in failed), failed
    keys = world.s3.keys("refused")
    assert all("http-endpoint-failed/" in key for key in keys), keys


@check
def a_function_transforms_drops_and_fails_records(world):
    events = []

    def transform(request):
        event = request.json()
        events.append(event)
        equal(sorted(event), ["deliveryStreamArn", "invocationId", "records", "region"])
        equal((event["deliveryStreamArn"], event["region"]), (ARN + "lambda", REGION))
        return 200, {"records": [answer(record) for record in event["records"]]}

    def answer(record):
        assert {"recordId", "approximateArrivalTimestamp", "data"} <= set(record), record
        number = json.loads(base64.b64decode(record["data"], validate=True))["n"]
        made = base64.b64encode(f'{{"n":{number},"by":"function"}}\n'.encode()).decode()
        result = ["Ok", "Dropped", "ProcessingFailed"][number % 3]
        keys = {"partitionKeys": {"parity": str(number % 2)}}
        return {"recordId": record["recordId"], "result": result, "data": made, "metadata": keys}

    with world.peer.serving("function", transform) as url:
        prefix = "lambda/!{partitionKeyFromLambda:parity}/"
        function = ("Lambda", {"LambdaArn": url, "NumberOfRetries": "2", "BufferSizeInMBs": "1"})
        configuration = partitioned(
            *[prefix, "lambda-errors/!{firehose:error-output-type}/", function],
            S3BackupMode="Enabled",
            S3BackupConfiguration=destination("lambda-backup/", "lambda-backup-errors/"),
        )
        with delivery(world, "lambda", ExtendedS3DestinationConfiguration=configuration):
            put(world, "lambda", [{"n": n} for n in range(300)])
            found = wait_for_lines(world, "lambda/", 100, depth=1)
            for parity, lines in found.items():
                equal(numbers(lines), [n for n in range(300) if n % 3 == 0 and n % 2 == int(parity)])
            assert all(json.loads(line)["by"] == "function" for lines in found.values() for line in lines)
            failed = error_lines(world, "lambda-errors/processing-failed/", 100)
            equal(numbers(base64.b64decode(line["rawData"]) for line in failed), list(range(2, 300, 3)))
            told = {(line["errorCode"], line["errorMessage"], line["lambdaArn"]) for line in failed}
            equal(told, {("Lambda.ProcessingFailedStatus", "ProcessingFailed status set for record", url)})
            backup = lambda: b"".join(contents(world, "lambda-backup/").values())  # noqa: E731
            wait_for("the backup", lambda: backup().count(b"}") >= 300)
            equal(backup(), b"".join(json.dumps({"n": n}).encode() for n in range(300)))
            identifiers = [record["recordId"] for event in events for record in event["records"]]
            equal((len(identifiers), len(set(identifiers))), (300, 300))


@check
def an_update_moves_later_records_and_none_lands_twice(world):
    with delivery(world, "moved", ExtendedS3DestinationConfiguration=destination("moved/a/", "moved-errors/")):
        put(world, "moved", [f'{{"n":{n}}}\n'.encode() for n in range(100)])
        described = world.firehose.describe_delivery_stream(DeliveryStreamName="moved")["DeliveryStreamDescription"]
        equal((described["VersionId"], "LastUpdateTimestamp" in described), ("1", False))
        update = {
            "DeliveryStreamName": "moved",
            "CurrentDeliveryStreamVersionId": "1",
            "DestinationId": described["Destinations"][0]["DestinationId"],
            "ExtendedS3DestinationUpdate": {"Prefix": "moved/b/", "CompressionFormat": "GZIP"},
        }
        world.firehose.update_destination(**update)
        put(world, "moved", [f'{{"n":{n}}}\n'.encode() for n in range(100, 200)])
        expect_error("ConcurrentModificationException", 400, world.firehose.update_destination, **update)
        described = world.firehose.describe_delivery_stream(DeliveryStreamName="moved")["DeliveryStreamDescription"]
        equal((described["VersionId"], "LastUpdateTimestamp" in described), ("2", True))
        told = described["Destinations"][0]["ExtendedS3DestinationDescription"]
        expected = ("moved/b/", "moved-errors/", "GZIP", {"SizeInMBs": 1, "IntervalInSeconds": 1})
        found = (told["Prefix"], told["ErrorOutputPrefix"], told["CompressionFormat"], told["BufferingHints"])
        equal(found, expected)

        def landed():
            before, after = (contents(world, f"moved/{place}/").values() for place in "ab")
            lists = b"".join(before).splitlines(), b"".join(map(gzip.decompress, after)).splitlines()
            return [numbers(lines) for lines in lists] if sum(map(len, lists)) >= 200 else None

        before, after = wait_for("200 records", landed)
        equal(before + after, list(range(200)))
        assert set(range(100, 200)) <= set(after), before


@check
def tags_and_encryption_are_told_as_they_were_given(world):
    tags = [{"Key": "team", "Value": "data"}, {"Key": "empty", "Value": ""}]
    s3 = destination("sealed/", "sealed-errors/")
    with delivery(world, "sealed", ExtendedS3DestinationConfiguration=s3, Tags=tags):
        name, firehose = {"DeliveryStreamName": "sealed"}, world.firehose
        firehose.tag_delivery_stream(**name, Tags=[{"Key": "stage", "Value": "ci"}, {"Key": "team", "Value": "ops"}])
        firehose.untag_delivery_stream(**name, TagKeys=["empty"])
        told = {}
        page = firehose.list_tags_for_delivery_stream(**name, Limit=1)
        told |= {tag["Key"]: tag.get("Value") for tag in page["Tags"]}
        equal(page["HasMoreTags"], True)
        page = firehose.list_tags_for_delivery_stream(**name, ExclusiveStartTagKey=next(iter(told)))
        told |= {tag["Key"]: tag.get("Value") for tag in page["Tags"]}
        equal((told, page["HasMoreTags"]), ({"team": "ops", "stage": "ci"}, False))

        def status():
            described = firehose.describe_delivery_stream(**name)["DeliveryStreamDescription"]
            return described.get("DeliveryStreamEncryptionConfiguration", {}).get("Status", "DISABLED")

        encrypted = lambda data: firehose.put_record(**name, Record={"Data": data})["Encrypted"]  # noqa: E731
        equal((status(), encrypted(b'{"n":0}\n')), ("DISABLED", False))
        firehose.start_delivery_stream_encryption(
            **name, DeliveryStreamEncryptionConfigurationInput={"KeyType": "AWS_OWNED_CMK"}
        )
        wait_for("ENABLED", lambda: status() == "ENABLED")
        equal(encrypted(b'{"n":1}\n'), True)
        firehose.stop_delivery_stream_encryption(**name)
        wait_for("DISABLED", lambda: status() == "DISABLED")
        equal(encrypted(b'{"n":2}\n'), False)
        equal(numbers(wait_for_lines(world, "sealed/", 3).popitem()[1]), [0, 1, 2])


@check
def command_line_lists_describes_and_replays(world):
    arn = world.create_stream("replayed", 2)
    source = {
        "DeliveryStreamType": "KinesisStreamAsSource",
        "KinesisStreamSourceConfiguration": {"KinesisStreamARN": arn, "RoleARN": ROLE},
    }
    s3 = destination("replayed/", "replayed-errors/")
    with delivery(world, "replayed", **source, ExtendedS3DestinationConfiguration=s3):
        run = lambda *words: world.headwater.run("delivery", *words, "--endpoint", world.headwater.url)  # noqa: E731
        listed = run("list", "--json")
        told = [json.loads(line) for line in listed.stdout.splitlines()]
        facts = [(each["name"], each["status"], each["destination_type"]) for each in told]
        equal(facts, [("replayed", "ACTIVE", "ExtendedS3")])
        assert b"stream replayed" in run("list").stdout
        described = json.loads(run("describe", "replayed", "--json").stdout)
        equal(described["arn"], ARN + "replayed")
        equal(described["destination"]["Prefix"], "replayed/")
        assert run("describe", "absent").returncode != 0, "it describes what is not there"
        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
        entries = [{"PartitionKey": str(n), "Data": f'{{"n":{n}}}\n'.encode()} for n in range(100)]
        equal(world.kinesis.put_records(StreamName="replayed", Records=entries)["FailedRecordCount"], 0)
        equal(numbers(wait_for_lines(world, "replayed/", 100).popitem()[1]), list(range(100)))
        first = world.s3.keys("replayed/")
        replayed = run("replay", "replayed", "--from", started)
        equal((replayed.returncode, replayed.stdout), (0, b"100\n"))
        again = wait_for_lines(world, "replayed/", 200).popitem()[1]
        equal(numbers(again), sorted([*range(100), *range(100)]))
        assert set(first) < set(world.s3.keys("replayed/")), first
    world.kinesis.delete_stream(StreamName="replayed")


@check
def postgresql_has_each_row_once_and_the_rest_is_an_error(world):
    if not PostgreSql.programs:
        raise Skip("PostgreSQL is not installed")
    with PostgreSql() as server:
        server.run("CREATE TABLE clicks (n bigint PRIMARY KEY, path text, at timestamptz DEFAULT now())")
        configuration = {
            "RoleARN": ROLE,
            "ClusterJDBCURL": f"jdbc:postgresql://127.0.0.1:{server.port}/postgres",
            "CopyCommand": {"DataTableName": "clicks", "DataTableColumns": "n,path", "CopyOptions": "json 'auto'"},
            "Username": server.USER,
            "Password": server.PASSWORD,
            "RetryOptions": {"DurationInSeconds": 300},
            "S3Configuration": destination("loads/", "loads-errors/!{firehose:error-output-type}/"),
        }
        with delivery(world, "loads", RedshiftDestinationConfiguration=configuration):
            records = [{"n": n, "path": f"/{n}|ü"} for n in range(500)]
            put(world, "loads", records[:250] + [{"n": "no number", "path": "/"}] + records[250:-1])
            put(world, "loads", records[-1:])
            count = lambda: int(server.rows("SELECT count(*) FROM clicks")[0][0])  # noqa: E731
            wait_for("500 rows", lambda: count() >= 500)
            failed = error_lines(world, "loads-errors/redshift-failed/", 1)
            equal([json.loads(base64.b64decode(line["rawData"]))["n"] for line in failed], ["no number"])
            # A server killed and started again does not load what is loaded.
            world.headwater.kill()
            world.headwater.start()
            put(world, "loads", [{"n": 500, "path": "/500|ü"}])
            wait_for("another row", lambda: count() >= 501)
            rows = server.rows("SELECT n, replace(path, '|', ' '), at IS NULL FROM clicks ORDER BY n")
            equal(rows, [[str(n), f"/{n} ü", "f"] for n in range(501)])
            equal(len(world.s3.keys("loads-errors/redshift-failed/")), 1)
            described = world.firehose.describe_delivery_stream(DeliveryStreamName="loads")
            assert server.PASSWORD not in str(described), "the password is told"


def decode_snappy(data):
    """A block in Snappy's raw format. Source: github.com/google/snappy, format_description.txt."""
    place, shift, size = 0, 0, 0
    while True:
        size |= (data[place] & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if data[place - 1] < 0x80:
            break
    output = bytearray()
    while place < len(data):
        tag, kind = data[place], data[place] & 3
        place += 1
        if kind == 0:
            length, extra = tag >> 2, max(0, (tag >> 2) - 59)
            if extra:
                length = int.from_bytes(data[place : place + extra], "little")
            output += data[place + extra : place + extra + length + 1]
            place += extra + length + 1
            continue
        if kind == 1:
            length, offset, extra = 4 + (tag >> 2 & 7), (tag >> 5 << 8) | data[place], 1
        else:
            extra = 2 if kind == 2 else 4
            length, offset = (tag >> 2) + 1, int.from_bytes(data[place : place + extra], "little")
        place += extra
        for _ in range(length):
            output.append(output[-offset])
    equal(len(output), size)
    return bytes(output)


def decode_snappy_frames(data):
    """Snappy's format for streams. Source: github.com/google/snappy, framing_format.txt (checksums are passed over)."""
    equal(data[:10], b"\xff\x06\x00\x00sNaPpY")
    output, place = b"", 10
    while place < len(data):
        kind, size = data[place], int.from_bytes(data[place + 1 : place + 4], "little")
        body = data[place + 8 : place + 4 + size]
        assert kind in [0, 1], kind
        output += decode_snappy(body) if kind == 0 else body
        place += 4 + size
    return output


def decode_hadoop_snappy(data):
    """Blocks of Hadoop's BlockCompressorStream."""
    output, place = b"", 0
    while place < len(data):
        block, chunk = struct.unpack(">II", data[place : place + 8])
        output += decode_snappy(data[place + 8 : place + 8 + chunk])
        place += 8 + chunk
        assert block <= 256 * 1024, block
    return output


def unzip(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        equal(archive.testzip(), None)
        [name] = archive.namelist()
        return archive.read(name)


# By what the API calls it: what keys end with, and who reads it.
COMPRESSIONS = {
    "GZIP": (".gz", gzip.decompress),
    "ZIP": (".zip", unzip),
    "Snappy": (".snappy", decode_snappy_frames),
    "HADOOP_SNAPPY": (".hsnappy", decode_hadoop_snappy),
    "ZSTD": (".zst", None),
}


@check
def others_read_each_compression(world):
    sent = [f'{{"n":{n},"text":"{"word " * (n % 50)}"}}\n'.encode() for n in range(5_000)]
    with contextlib.ExitStack() as stack:
        for name in COMPRESSIONS:
            s3 = destination(f"{name}/", f"{name}-errors/", CompressionFormat=name)
            stack.enter_context(delivery(world, name, ExtendedS3DestinationConfiguration=s3))
            for first in range(0, len(sent), 500):
                put(world, name, sent[first : first + 500])
        for name, (extension, decode) in COMPRESSIONS.items():

            def landed():
                found = contents(world, f"{name}/")
                assert all(key.endswith(extension) for key in found), found.keys()
                read = decode or (lambda data: decompress_zstd(world, data))
                data = b"".join(map(read, found.values()))
                return data if data.count(b"\n") >= len(sent) else None

            equal(wait_for(name, landed) == b"".join(sent), True)


def decompress_zstd(world, data):
    """By DuckDB, as Python has Zstandard from 3.14 on only."""
    path = world.work / "object.zst"
    path.write_bytes(data)
    options = "compression='zstd', header=false, delim='\\0', quote='', escape='', columns={'line': 'VARCHAR'}"
    lines = duckdb.sql(f"SELECT line FROM read_csv('{path}', {options})").fetchall()
    return b"".join(line.encode() + b"\n" for (line,) in lines)


@check
def opensearch_has_one_document_a_record(world):
    documents, requests, lock = {}, [], threading.Lock()

    def bulk(request):
        equal((request.path, request.headers["content-type"]), ("/search/_bulk", "application/x-ndjson"))
        lines = request.body.split(b"\n")
        equal(lines.pop(), b"")
        with lock:
            requests.append(len(lines))
            items = [index(json.loads(action), json.loads(source)) for action, source in zip(lines[::2], lines[1::2])]
            # The first answer is lost after all was indexed.
            if len(requests) == 1:
                return 503, {"error": "unavailable"}
        return 200, {"took": 1, "errors": any(item["index"]["status"] >= 300 for item in items), "items": items}

    def index(action, source):
        [(operation, meta)] = action.items()
        equal(operation, "index")
        if source["n"] == 13:
            error = {"type": "mapper_parsing_exception", "reason": "unlucky"}
            return {"index": {**meta, "status": 400, "error": error}}
        documents[meta["_index"], meta["_id"]] = source
        return {"index": {**meta, "status": 201, "result": "created"}}

    with world.peer.serving("search", bulk) as url:
        configuration = {
            "RoleARN": ROLE,
            "ClusterEndpoint": url,
            "IndexName": "clicks",
            "IndexRotationPeriod": "OneDay",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 1},
            "RetryOptions": {"DurationInSeconds": 300},
            "S3BackupMode": "FailedDocumentsOnly",
            "S3Configuration": destination("search-backup/", "search-errors/!{firehose:error-output-type}/"),
            "DocumentIdOptions": {"DefaultDocumentIdFormat": "FIREHOSE_DEFAULT"},
        }
        with delivery(world, "search", AmazonopensearchserviceDestinationConfiguration=configuration):
            before = time.strftime("clicks-%Y-%m-%d", time.gmtime())
            put(world, "search", [{"n": n} for n in range(200)] + [b"no object"])
            wait_for("the documents", lambda: len(requests) > 1 and len(documents) >= 199)
            failed = error_lines(world, "search-errors/AmazonOpenSearchService_failed/", 2)
            equal(sorted(source["n"] for source in documents.values()), [n for n in range(200) if n != 13])
            after = time.strftime("clicks-%Y-%m-%d", time.gmtime())
            assert {name for name, _ in documents} <= {before, after}, documents
            equal(sorted(base64.b64decode(line["rawData"]) for line in failed), [b"no object", b'{"n": 13}'])
            assert all(line["esIndexName"] and line["errorCode"] == "400" for line in failed), failed
            unlucky = [line["errorMessage"] for line in failed if b"13" in base64.b64decode(line["rawData"])]
            assert "unlucky" in unlucky[0], unlucky


@check
def splunk_has_what_it_acknowledged(world):
    taken, polls, lock = [], [], threading.Lock()

    def collect(request):
        equal(request.headers["authorization"], "Splunk 11111111-2222-3333-4444-555555555555")
        equal(request.query["channel"], [request.headers["x-splunk-request-channel"]])
        with lock:
            if request.path == "/splunk/services/collector/ack":
                polls.append(request.json()["acks"])
                # Not the first time.
                return 200, {"acks": {str(number): len(polls) > 1 for number in polls[-1]}}
            equal(request.path, "/splunk/services/collector/raw")
            taken.append(request.body)
            return 200, {"text": "Success", "code": 0, "ackId": len(taken)}

    with world.peer.serving("splunk", collect) as url:
        configuration = {
            "HECEndpoint": url,
            "HECEndpointType": "Raw",
            "HECToken": "11111111-2222-3333-4444-555555555555",
            "HECAcknowledgmentTimeoutInSeconds": 180,
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 1},
            "S3BackupMode": "FailedEventsOnly",
            "S3Configuration": destination("splunk-backup/", "splunk-errors/!{firehose:error-output-type}/"),
        }
        with delivery(world, "splunk", SplunkDestinationConfiguration=configuration):
            put(world, "splunk", [f"event {n}".encode() for n in range(200)])
            lines = lambda: b"".join(taken).splitlines()  # noqa: E731
            wait_for("the events", lambda: len(lines()) >= 200)
            equal(lines(), [f"event {n}".encode() for n in range(200)])
            wait_for("the acknowledgements", lambda: len(polls) > 1)
    equal(world.s3.keys("splunk-errors/"), [])


@check
def a_folder_is_closed_with_a_manifest_and_a_marker_and_all_is_told(world):
    told, lock = [], threading.Lock()

    def landed(request):
        with lock:
            told.extend(request.json()["Records"])
        return 200, {}

    s3 = destination("closing/!{timestamp:yyyy/MM/dd/HH-mm-ss}/", "closing-errors/!{firehose:error-output-type}/")
    with world.peer.serving("landed", landed), delivery(world, "closing", ExtendedS3DestinationConfiguration=s3):
        put(world, "closing", [f'{{"n":{n}}}\n'.encode() for n in range(50)])
        marker = wait_for("the marker", lambda: [key for key in world.s3.keys("closing/") if key.endswith("/_SUCCESS")])
        equal(len(marker), 1)
        folder = marker[0].removesuffix("_SUCCESS")
        found = contents(world, folder)
        equal(found.pop("_SUCCESS"), b"")
        entries = json.loads(found.pop("_manifest.json"))["entries"]
        expected = [
            {"url": f"s3://{BUCKET}/{folder}{name}", "mandatory": True, "meta": {"content_length": len(data)}}
            for name, data in sorted(found.items())
        ]
        equal(entries, expected)
        equal(numbers(b"".join(found.values()).splitlines()), list(range(50)))
        sizes = {f"{folder}{name}": len(data) for name, data in contents(world, folder).items()}
        wait_for("the notices", lambda: {event["s3"]["object"]["key"] for event in told} >= sizes.keys())
        equal({event["s3"]["object"]["key"]: event["s3"]["object"]["size"] for event in told}, sizes)
        event = told[0]
        equal((event["eventSource"], event["eventName"]), ("aws:s3", "ObjectCreated:Put"))
        equal((event["s3"]["bucket"]["name"], event["s3"]["configurationId"]), (BUCKET, "ci"))


@check
def no_delivery_stream_is_left(world):
    equal(world.firehose.list_delivery_streams()["DeliveryStreamNames"], [])
