"""Delivery streams to S3 with boto3: what is done to records on their way, and where and how they land."""

import base64
import collections
import contextlib
import gzip
import json
import re
import threading
import time

import duckdb

from e2e_codecs import decode_snappy_frames, decode_hadoop_snappy, unzip, decompress_zstd, aggregate
from e2e_delivery import (
    ARN,
    TO_PARQUET,
    delivery,
    put,
    processing,
    jq,
    partitioned,
    contents,
    wait_for_lines,
    error_lines,
    numbers,
    stream_source,
)
from e2e_world import ACCOUNT, BUCKET, REGION, ROLE, check, destination, equal, expect_error, wait_for


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
    configuration = partitioned(
        *[prefix, "hive-errors/", jq("{region: .region}")], DataFormatConversionConfiguration=TO_PARQUET
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
def log_messages_come_out_of_what_cloudwatch_logs_subscribes(world):
    s3 = destination("logs/", "logs-errors/!{firehose:error-output-type}/")
    s3["ProcessingConfiguration"] = processing(
        ("Decompression", {"CompressionFormat": "GZIP"}),
        ("CloudWatchLogProcessing", {"DataMessageExtraction": "true"}),
    )

    def message(kind, *texts):
        events = [{"id": str(n), "timestamp": 1, "message": text} for n, text in enumerate(texts)]
        whole = {"messageType": kind, "owner": ACCOUNT, "logGroup": "g", "logStream": "s", "logEvents": events}
        return gzip.compress(json.dumps(whole).encode())

    with delivery(world, "logs", **stream_source(world, "logs"), ExtendedS3DestinationConfiguration=s3):
        data = [
            message("CONTROL_MESSAGE", "CWL CONTROL MESSAGE: Checking health of destination Firehose."),
            message("DATA_MESSAGE", "first\tline", "zweite Zeile: ü"),
            b"no gzip",
            message("DATA_MESSAGE", '{"third":3}'),
        ]
        entries = [{"PartitionKey": "k", "Data": each} for each in data]
        equal(world.kinesis.put_records(StreamName="logs", Records=entries)["FailedRecordCount"], 0)
        [lines] = wait_for_lines(world, "logs/", 3).values()
        equal([line.decode() for line in lines], ["first\tline", "zweite Zeile: ü", '{"third":3}'])
        failed = error_lines(world, "logs-errors/processing-failed/", 1)
        equal([base64.b64decode(line["rawData"]) for line in failed], [b"no gzip"])
    world.kinesis.delete_stream(StreamName="logs")


@check
def records_in_records_go_each_to_its_own_prefix(world):
    s3 = partitioned(
        *["inner/!{partitionKeyFromQuery:kind}/", "inner-errors/!{firehose:error-output-type}/", jq("{kind: .kind}")],
        ("RecordDeAggregation", {"SubRecordType": "JSON"}),
        ("AppendDelimiterToRecord", {"Delimiter": "\\n"}),
    )
    with delivery(world, "inner", **stream_source(world, "inner"), ExtendedS3DestinationConfiguration=s3):
        record = lambda n: json.dumps({"n": n, "kind": f"k{n % 3}", "text": "} {"}).encode()  # noqa: E731
        data = [
            b"".join(map(record, range(30))),
            b"[" + b",\n".join(map(record, range(30, 60))) + b"]",
            aggregate([record(60), record(61) + record(62), record(63)]),
        ]
        entries = [{"PartitionKey": "k", "Data": each} for each in data]
        equal(world.kinesis.put_records(StreamName="inner", Records=entries)["FailedRecordCount"], 0)
        found = wait_for_lines(world, "inner/", 64, depth=1)
        expected = {f"k{place}": list(range(place, 64, 3)) for place in range(3)}
        equal({folder: numbers(lines) for folder, lines in found.items()}, expected)
        equal(world.s3.keys("inner-errors/"), [])
    world.kinesis.delete_stream(StreamName="inner")


@check
def names_of_objects_are_as_the_prefix_zone_and_extension_say(world):
    prefix = "named/!{timestamp:yyyy-MM-dd'T'HH}/!{firehose:random-string}/"
    zone = {"CustomTimeZone": "Asia/Kolkata", "FileExtension": ".ndjson.gz", "CompressionFormat": "GZIP"}
    s3 = destination(prefix, "named-errors/!{firehose:error-output-type}/", **zone)
    with delivery(world, "named", ExtendedS3DestinationConfiguration=s3):
        put(world, "named", [b"x"])
        [key] = wait_for("the object", lambda: world.s3.keys("named/"))
        _, hour, random, name = key.split("/")
        local = lambda late: time.strftime("%Y-%m-%dT%H", time.gmtime(time.time() + 19_800 - late))  # noqa: E731
        assert hour in [local(0), local(60)], key
        equal((len(random), random.isalnum()), (11, True))
        # The name of the delivery stream, its version, the time in the zone, an id.
        assert re.fullmatch(rf"named-1-{hour[:10]}-\d\d-\d\d-\d\d-[0-9a-f-]{{36}}\.ndjson\.gz", name), name
        equal(gzip.decompress(world.s3.read(key)), b"x")


@check
def what_is_not_done_is_refused_by_its_name_and_leaves_nothing(world):
    kms = {"KMSEncryptionConfig": {"AWSKMSKeyARN": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k"}}
    orc = {**TO_PARQUET, "OutputFormatConfiguration": {"Serializer": {"OrcSerDe": {}}}}
    cases = [
        ("KMSEncryptionConfig", {"EncryptionConfiguration": kms}),
        ("OrcSerDe", {"DataFormatConversionConfiguration": orc}),
        ("CloudWatchLoggingOptions", {"CloudWatchLoggingOptions": {"Enabled": True}}),
        ("Dynamic Partitioning", {"Prefix": "a/!{partitionKeyFromQuery:k}/"}),
        ("JSON Parsing Engine", {"ProcessingConfiguration": processing(("MetadataExtraction", {}))}),
    ]
    for name, more in cases:
        s3 = {**destination("refused/", "refused-errors/", **more), **more}
        create = lambda: world.firehose.create_delivery_stream(  # noqa: E731
            DeliveryStreamName="refused", DeliveryStreamType="DirectPut", ExtendedS3DestinationConfiguration=s3
        )
        message = expect_error("InvalidArgumentException", 400, create)
        assert name in message, message
    arguments = {"DeliveryStreamName": "refused", "Record": {"Data": b"x"}}
    expect_error("ResourceNotFoundException", 400, world.firehose.put_record, **arguments)


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
def small_objects_of_a_closed_folder_are_merged(world):
    prefix = "merging/!{timestamp:yyyy/MM/dd/HH-mm-ss}/"
    s3 = destination(prefix, "merging-errors/", DataFormatConversionConfiguration=TO_PARQUET)
    s3["BufferingHints"]["IntervalInSeconds"] = 0
    with delivery(world, "merging", ExtendedS3DestinationConfiguration=s3):
        for n in range(30):
            put(world, "merging", [{"n": 2 * n}, {"n": 2 * n + 1, "added": "x"}])

        def closed():
            keys = world.s3.keys("merging/")
            folders = {key.rpartition("/")[0] for key in keys}
            return keys if keys and all(f"{folder}/_SUCCESS" in keys for folder in folders) else None

        metric = lambda name: world.metric(f"firehose_{name}", "merging")  # noqa: E731
        wait_for("the records", lambda: metric("delivered_records_total") == 60)
        keys = wait_for("the folders are closed", lambda: metric("open_partitions") == 0 and closed())
        named, manifests = [], [key for key in keys if key.endswith("/_manifest.json")]
        for key in manifests:
            entries = json.loads(world.s3.read(key))["entries"]
            named += [entry["url"].removeprefix(f"s3://{BUCKET}/") for entry in entries]
        equal(sorted(named), [key for key in keys if not key.rpartition("/")[2].startswith("_")])
        rows = collections.Counter()
        for key in named:
            path = world.work / "merged.parquet"
            path.write_bytes(world.s3.read(key))
            rows.update(duckdb.sql(f"SELECT n FROM read_parquet('{path}')").fetchall())
        equal(rows, collections.Counter((n,) for n in range(60)))
        # One an object, rather than one a delivery.
        equal(len(named), len(manifests))
        assert metric("merged_objects_total") > 0, "there was nothing to merge"
