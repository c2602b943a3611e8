"""The Kinesis API through boto3 (JSON 1.1; its model of Kinesis has no other protocol) and the AWS CLI."""

import base64
import json
import time

from e2e_world import ACCOUNT, REGION, check, equal, expect_error, read_shard

MIDDLE = str(1 << 127)  # the first hash key of the upper half
MANAGED_KEY = "alias/aws/kinesis"


def shard_id(number):
    return f"shardId-{number:012}"


def summary_of(kinesis, stream):
    return kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]


def names(shards):
    return [shard["ShardId"] for shard in shards]


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
def shards_are_split_and_merged_and_their_number_is_updated(world):
    kinesis = world.kinesis
    world.create_stream("reshard", 1)
    kinesis.put_record(StreamName="reshard", PartitionKey="k", Data=b"parent")
    kinesis.split_shard(StreamName="reshard", ShardToSplit=shard_id(0), NewStartingHashKey=MIDDLE)
    for hash_key in ["0", MIDDLE]:
        kinesis.put_record(StreamName="reshard", PartitionKey="k", ExplicitHashKey=hash_key, Data=hash_key.encode())
    kinesis.merge_shards(StreamName="reshard", ShardToMerge=shard_id(1), AdjacentShardToMerge=shard_id(2))
    shards = kinesis.list_shards(StreamName="reshard")["Shards"]
    equal(names(shards), [shard_id(number) for number in range(4)])
    equal([shard.get("ParentShardId") for shard in shards[:3]], [None, shard_id(0), shard_id(0)])
    equal({shards[3]["ParentShardId"], shards[3]["AdjacentParentShardId"]}, {shard_id(1), shard_id(2)})
    equal(["EndingSequenceNumber" in shard["SequenceNumberRange"] for shard in shards], [True, True, True, False])
    for number, data, children in [(0, b"parent", [1, 2]), (1, b"0", [3]), (2, MIDDLE.encode(), [3])]:
        position = {"ShardId": shard_id(number), "ShardIteratorType": "TRIM_HORIZON"}
        iterator = kinesis.get_shard_iterator(StreamName="reshard", **position)["ShardIterator"]
        answer = kinesis.get_records(ShardIterator=iterator)
        equal(([record["Data"] for record in answer["Records"]], answer.get("NextShardIterator")), ([data], None))
        equal(names(answer["ChildShards"]), [shard_id(child) for child in children])

    update = {"StreamName": "reshard", "ScalingType": "UNIFORM_SCALING"}
    answer = kinesis.update_shard_count(TargetShardCount=2, **update)
    equal((answer["CurrentShardCount"], answer["TargetShardCount"]), (1, 2))
    equal(summary_of(kinesis, "reshard")["OpenShardCount"], 2)
    impatient = world.headwater.client("kinesis", attempts=1)  # for this limit no patience helps
    expect_error("LimitExceededException", 400, impatient.update_shard_count, TargetShardCount=5, **update)
    split = {"StreamName": "reshard", "ShardToSplit": shard_id(0), "NewStartingHashKey": MIDDLE}
    expect_error("InvalidArgumentException", 400, kinesis.split_shard, **split)
    merge = {"StreamName": "reshard", "ShardToMerge": shard_id(4), "AdjacentShardToMerge": shard_id(9)}
    expect_error("ResourceNotFoundException", 400, kinesis.merge_shards, **merge)
    kinesis.delete_stream(StreamName="reshard")


@check
def shards_are_listed_in_pages_and_by_filters(world):
    kinesis = world.kinesis
    world.create_stream("wide", 5)
    pages, asked = [], {"StreamName": "wide"}
    while asked:
        page = kinesis.list_shards(MaxResults=2, **asked)
        pages.append(len(page["Shards"]))
        asked = {"NextToken": page["NextToken"]} if "NextToken" in page else None
    equal(pages, [2, 2, 1])
    after = {"Type": "AFTER_SHARD_ID", "ShardId": shard_id(2)}
    equal(names(kinesis.list_shards(StreamName="wide", ShardFilter=after)["Shards"]), [shard_id(3), shard_id(4)])
    described = kinesis.get_paginator("describe_stream").paginate(StreamName="wide", PaginationConfig={"PageSize": 2})
    equal([len(page["StreamDescription"]["Shards"]) for page in described], [2, 2, 1])
    listed = kinesis.get_paginator("list_streams").paginate(PaginationConfig={"PageSize": 1})
    equal([page["StreamNames"] for page in listed], [["first"], ["wide"]])
    kinesis.delete_stream(StreamName="wide")


@check
def streams_and_consumers_are_tagged(world):
    kinesis = world.kinesis
    kinesis.create_stream(StreamName="tagged", ShardCount=1, Tags={"team": "web"})
    arn = summary_of(kinesis, "tagged")["StreamARN"]
    kinesis.add_tags_to_stream(StreamName="tagged", Tags={"team": "data", "price": "7 ü"})
    tags = kinesis.list_tags_for_stream(StreamName="tagged")
    equal((tags["Tags"], tags["HasMoreTags"]), ([{"Key": "price", "Value": "7 ü"}, {"Key": "team", "Value": "data"}], False))
    kinesis.remove_tags_from_stream(StreamName="tagged", TagKeys=["price"])
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="app")["Consumer"]["ConsumerARN"]
    for resource, expected in [(arn, {"team": "data", "more": "1"}), (consumer, {"more": "1"})]:
        kinesis.tag_resource(ResourceARN=resource, Tags={"more": "1", "less": "2"})
        kinesis.untag_resource(ResourceARN=resource, TagKeys=["less"])
        listed = kinesis.list_tags_for_resource(ResourceARN=resource)["Tags"]
        equal({tag["Key"]: tag["Value"] for tag in listed}, expected)
    expect_error("ResourceNotFoundException", 400, kinesis.list_tags_for_resource, ResourceARN=arn + "-none")
    kinesis.delete_stream(StreamName="tagged", EnforceConsumerDeletion=True)


@check
def consumers_are_registered_listed_and_deregistered(world):
    kinesis = world.kinesis
    arn = world.create_stream("fan", 1)
    for name in ["a", "b", "c"]:
        consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName=name)["Consumer"]
        equal((consumer["ConsumerName"], consumer["ConsumerStatus"]), (name, "ACTIVE"))
    expect_error("ResourceInUseException", 400, kinesis.register_stream_consumer, StreamARN=arn, ConsumerName="a")
    pages = kinesis.get_paginator("list_stream_consumers").paginate(StreamARN=arn, PaginationConfig={"PageSize": 2})
    equal([[each["ConsumerName"] for each in page["Consumers"]] for page in pages], [["a", "b"], ["c"]])
    by_name = kinesis.describe_stream_consumer(StreamARN=arn, ConsumerName="c")["ConsumerDescription"]
    equal((by_name["ConsumerARN"], by_name["StreamARN"]), (consumer["ConsumerARN"], arn))
    kinesis.deregister_stream_consumer(ConsumerARN=consumer["ConsumerARN"])
    gone = {"ConsumerARN": consumer["ConsumerARN"]}
    expect_error("ResourceNotFoundException", 400, kinesis.describe_stream_consumer, **gone)
    expect_error("ResourceInUseException", 400, kinesis.delete_stream, StreamName="fan")
    kinesis.delete_stream(StreamName="fan", EnforceConsumerDeletion=True)


@check
def subscribed_shard_is_pushed_until_it_is_split(world):
    kinesis = world.kinesis
    arn = world.create_stream("pushed", 1)
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="app")["Consumer"]["ConsumerARN"]
    put = {"StreamName": "pushed", "PartitionKey": "k"}
    kinesis.put_record(Data=b"before", **put)
    subscribe = {"ConsumerARN": consumer, "ShardId": shard_id(0), "StartingPosition": {"Type": "TRIM_HORIZON"}}
    events = iter(kinesis.subscribe_to_shard(**subscribe)["EventStream"])

    def next_event(is_wanted):
        return next(event for event in (each["SubscribeToShardEvent"] for each in events) if is_wanted(event))

    event = next_event(lambda event: event["Records"])
    equal(([record["Data"] for record in event["Records"]], event["MillisBehindLatest"]), ([b"before"], 0))
    expect_error("ResourceInUseException", 400, kinesis.subscribe_to_shard, **subscribe)
    sequence_number = kinesis.put_record(Data=b"after", **put)["SequenceNumber"]
    event = next_event(lambda event: event["Records"])
    equal(([record["Data"] for record in event["Records"]], event["ContinuationSequenceNumber"]), ([b"after"], sequence_number))
    kinesis.split_shard(StreamName="pushed", ShardToSplit=shard_id(0), NewStartingHashKey=MIDDLE)
    event = next_event(lambda event: event.get("ChildShards"))
    equal(names(event["ChildShards"]), [shard_id(1), shard_id(2)])
    equal(list(events), [])
    kinesis.delete_stream(StreamName="pushed", EnforceConsumerDeletion=True)


@check
def retention_encryption_mode_and_record_size_are_changed(world):
    kinesis = world.kinesis
    arn = world.create_stream("set", 1)
    kinesis.increase_stream_retention_period(StreamName="set", RetentionPeriodHours=168)
    equal(summary_of(kinesis, "set")["RetentionPeriodHours"], 168)
    kinesis.decrease_stream_retention_period(StreamName="set", RetentionPeriodHours=36)
    equal(summary_of(kinesis, "set")["RetentionPeriodHours"], 36)
    period = {"StreamName": "set", "RetentionPeriodHours": 35}
    expect_error("InvalidArgumentException", 400, kinesis.increase_stream_retention_period, **period)

    key = {"StreamName": "set", "EncryptionType": "KMS", "KeyId": MANAGED_KEY}
    expect_error("KMSNotFoundException", 400, kinesis.start_stream_encryption, **key | {"KeyId": "alias/mine"})
    kinesis.start_stream_encryption(**key)
    equal(summary_of(kinesis, "set")["KeyId"], MANAGED_KEY)
    put = kinesis.put_record(StreamName="set", PartitionKey="k", Data=b"secret")
    equal(put["EncryptionType"], "KMS")
    kinesis.stop_stream_encryption(**key)
    equal(summary_of(kinesis, "set")["EncryptionType"], "NONE")
    stored = read_shard(kinesis, "set", shard_id(0), ShardIteratorType="TRIM_HORIZON")
    equal([(record["Data"], record["EncryptionType"]) for record in stored], [(b"secret", "KMS")])

    kinesis.update_max_record_size(StreamARN=arn, MaxRecordSizeInKiB=2048)
    large = bytes(range(256)) * 8000
    kinesis.put_record(StreamName="set", PartitionKey="k", Data=large)
    for mode in ["ON_DEMAND", "PROVISIONED"]:
        kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails={"StreamMode": mode})
        equal(summary_of(kinesis, "set")["StreamModeDetails"]["StreamMode"], mode)
    time.sleep(0.25)  # five reads a second of a shard
    stored = read_shard(kinesis, "set", shard_id(0), ShardIteratorType="TRIM_HORIZON")
    assert stored[-1]["Data"] == large, "other bytes than were put"
    kinesis.delete_stream(StreamName="set")


@check
def account_has_limits_and_a_commitment(world):
    kinesis = world.kinesis
    limits = kinesis.describe_limits()
    equal((limits["ShardLimit"], limits["OpenShardCount"], limits["OnDemandStreamCount"]), (10_000, 2, 0))
    member = "MinimumThroughputBillingCommitment"
    equal(kinesis.describe_account_settings()[member]["Status"], "DISABLED")
    enabled = kinesis.update_account_settings(**{member: {"Status": "ENABLED"}})[member]
    equal((enabled["EarliestAllowedEndAt"] - enabled["StartedAt"]).total_seconds(), 86_400)
    equal(kinesis.describe_account_settings()[member], enabled)


@check
def policies_and_metrics_of_shards_are_set(world):
    kinesis = world.kinesis
    arn = world.create_stream("shared", 1)
    statement = {"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "kinesis:PutRecord", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    expect_error("ResourceNotFoundException", 400, kinesis.get_resource_policy, ResourceARN=arn)
    kinesis.put_resource_policy(ResourceARN=arn, Policy=policy)
    equal(kinesis.get_resource_policy(ResourceARN=arn)["Policy"], policy)
    kinesis.delete_resource_policy(ResourceARN=arn)
    expect_error("InvalidArgumentException", 400, kinesis.put_resource_policy, ResourceARN=arn, Policy="{}")

    metrics = ["IncomingBytes", "OutgoingRecords"]
    enabled = kinesis.enable_enhanced_monitoring(StreamName="shared", ShardLevelMetrics=metrics)
    equal((enabled["CurrentShardLevelMetrics"], enabled["DesiredShardLevelMetrics"]), ([], metrics))
    kinesis.put_record(StreamName="shared", PartitionKey="k", Data=b"x")
    assert 'stream="shared"' in world.headwater.get("/metrics")
    disabled = kinesis.disable_enhanced_monitoring(StreamName="shared", ShardLevelMetrics=["ALL"])
    equal(disabled["DesiredShardLevelMetrics"], [])
    kinesis.delete_stream(StreamName="shared")


@check
def on_demand_stream_is_warmed_and_takes_records_without_keys(world):
    kinesis = world.kinesis
    mode = {"StreamMode": "ON_DEMAND"}
    kinesis.create_stream(StreamName="auto", StreamModeDetails=mode, RecordDistributionStrategy="AUTO")
    summary = summary_of(kinesis, "auto")
    equal(summary["RecordDistributionStrategy"], "AUTO")
    put = kinesis.put_records(StreamName="auto", Records=[{"Data": b"x"}] * 500)
    equal((put["FailedRecordCount"], len({record["ShardId"] for record in put["Records"]})), (0, 4))
    warm = kinesis.update_stream_warm_throughput(StreamName="auto", WarmThroughputMiBps=6)
    equal(warm["WarmThroughput"], {"TargetMiBps": 6, "CurrentMiBps": 6})
    kinesis.update_stream_record_distribution_strategy(
        StreamARN=summary["StreamARN"], RecordDistributionStrategy="USER_PARTITION_KEY"
    )
    expect_error("ValidationException", 400, kinesis.put_record, StreamName="auto", Data=b"x")
    kinesis.delete_stream(StreamName="auto")


@check
def queue_delivers_records_until_they_are_acknowledged(world):
    kinesis = world.kinesis
    kinesis.create_stream(StreamName="work", StreamModeDetails={"StreamMode": "ON_DEMAND"})
    stream = summary_of(kinesis, "work")["StreamARN"]
    source = {"StreamARN": stream, "StartingPosition": {"Type": "TRIM_HORIZON"}}
    dead_letters = {"TargetType": "BUILT_IN", "MaxReceiveCount": 1}
    created = kinesis.create_queue(
        QueueName="jobs", StreamConfigurationList=[source], QueueAttributes={"DeadLetterConfiguration": dead_letters}
    )
    queue = {"QueueARN": created["QueueDescription"]["QueueARN"]}
    kinesis.update_queue(QueueAttributes={"VisibilityTimeoutSeconds": 60}, **queue)
    attributes = kinesis.describe_queue(**queue)["QueueDescription"]["QueueAttributes"]
    equal(attributes, {"VisibilityTimeoutSeconds": 60, "DeadLetterConfiguration": dead_letters})
    equal([each["QueueARN"] for each in kinesis.list_queues()["QueueSummaries"]], [queue["QueueARN"]])

    def receive(call, count):
        """The handles of so many records by their data."""
        handles = {}
        while len(handles) < count:
            records = call(Limit=10, WaitTimeSeconds=5, **queue)["QueueRecords"]
            assert records, f"{len(handles)} of {count} records"
            handles |= {record["Data"]: record["ReceiptHandle"] for record in records}
        return handles

    def succeed(call, handle, **more):
        answer = call(Entries=[{"ReceiptHandle": handle, **more}], **queue)
        equal(([each["ReceiptHandle"] for each in answer["Successful"]], answer["Failed"]), ([handle], []))

    for data in [b"good", b"bad", b"worse"]:
        kinesis.put_record(StreamName="work", PartitionKey=data.decode(), Data=data)
    handles = receive(kinesis.receive_queue_records, 3)
    equal(set(handles), {b"good", b"bad", b"worse"})
    succeed(kinesis.acknowledge_queue_records, handles[b"good"])
    for data in [b"bad", b"worse"]:
        succeed(kinesis.update_queue_records_visibility, handles[data], VisibilityTimeoutSeconds=0)
    dead = receive(kinesis.receive_dead_letter_queue_records, 2)
    succeed(kinesis.acknowledge_dead_letter_queue_records, dead[b"worse"])
    succeed(kinesis.update_dead_letter_queue_records_visibility, dead[b"bad"], VisibilityTimeoutSeconds=0)
    dead = receive(kinesis.receive_dead_letter_queue_records, 1)
    succeed(kinesis.restore_dead_letter_queue_records, dead[b"bad"])
    handles = receive(kinesis.receive_queue_records, 1)
    equal(set(handles), {b"bad"})
    succeed(kinesis.acknowledge_queue_records, handles[b"bad"])
    expect_error("ResourceInUseException", 400, kinesis.delete_stream, StreamName="work")
    kinesis.delete_queue(**queue)
    expect_error("ResourceNotFoundException", 400, kinesis.describe_queue, **queue)
    kinesis.delete_stream(StreamName="work")


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
def aws_cli_manages_streams(world):
    def kinesis(operation, **arguments):
        words = [word for name, value in arguments.items() for word in (f"--{name.replace('_', '-')}", value)]
        return world.aws("kinesis", operation, *words)

    arn = kinesis("describe-stream-summary", stream_name="cli")["StreamDescriptionSummary"]["StreamARN"]
    equal(arn, f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/cli")
    equal(kinesis("list-streams")["StreamNames"], ["cli", "first"])
    records = json.dumps([{"PartitionKey": str(number), "Data": f"record {number}"} for number in range(3)])
    equal(kinesis("put-records", stream_name="cli", records=records)["FailedRecordCount"], 0)
    kinesis("add-tags-to-stream", stream_name="cli", tags="team=web")
    equal(kinesis("list-tags-for-stream", stream_name="cli")["Tags"], [{"Key": "team", "Value": "web"}])
    kinesis("increase-stream-retention-period", stream_name="cli", retention_period_hours="48")
    kinesis("split-shard", stream_name="cli", shard_to_split=shard_id(0), new_starting_hash_key=MIDDLE)
    kinesis("merge-shards", stream_name="cli", shard_to_merge=shard_id(1), adjacent_shard_to_merge=shard_id(2))
    target = {"target_shard_count": "2", "scaling_type": "UNIFORM_SCALING"}
    equal(kinesis("update-shard-count", stream_name="cli", **target)["TargetShardCount"], 2)
    equal(names(kinesis("list-shards", stream_name="cli")["Shards"]), [shard_id(number) for number in range(6)])
    equal(names(kinesis("describe-stream", stream_name="cli")["StreamDescription"]["Shards"])[5], shard_id(5))
    consumer = kinesis("register-stream-consumer", stream_arn=arn, consumer_name="app")["Consumer"]
    equal(kinesis("list-stream-consumers", stream_arn=arn)["Consumers"], [consumer])
    kinesis("start-stream-encryption", stream_name="cli", encryption_type="KMS", key_id=MANAGED_KEY)
    kinesis("update-stream-mode", stream_arn=arn, stream_mode_details="StreamMode=ON_DEMAND")
    described = kinesis("describe-stream-summary", stream_name="cli")["StreamDescriptionSummary"]
    found = [described[name] for name in ["RetentionPeriodHours", "EncryptionType", "StreamModeDetails"]]
    equal(found, [48, "KMS", {"StreamMode": "ON_DEMAND"}])
    equal(kinesis("describe-limits")["OnDemandStreamCount"], 1)
    assert world.aws_raw("kinesis", "delete-stream", "--stream-name", "cli").returncode != 0, "it has a consumer"
    world.aws("kinesis", "delete-stream", "--stream-name", "cli", "--enforce-consumer-deletion")
    equal(kinesis("list-streams")["StreamNames"], ["first"])


@check
def own_command_exports_what_boto3_put(world):
    exported = world.headwater.run("stream", "export", "first", "--metadata", "--endpoint", world.headwater.url)
    equal(exported.returncode, 0)
    found = [json.loads(line) for line in exported.stdout.splitlines()]
    shards = names(world.kinesis.list_shards(StreamName="first")["Shards"])
    stored = [
        record for shard in shards for record in read_shard(world.kinesis, "first", shard, ShardIteratorType="TRIM_HORIZON")
    ]
    equal(
        sorted((each["sequence_number"], each["partition_key"], base64.b64decode(each["data"])) for each in found),
        sorted((record["SequenceNumber"], record["PartitionKey"], record["Data"]) for record in stored),
    )
