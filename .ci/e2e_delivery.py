"""What the checks of delivery streams share."""

import collections
import contextlib
import json

from e2e_peer import Peer
from e2e_world import ACCOUNT, REGION, ROLE, destination, equal, wait_for

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:slow"
ARN = f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/"
CATALOG = f"arn:aws:glue:{REGION}:{ACCOUNT}:catalog"
TO_PARQUET = {
    "Enabled": True,
    "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
    "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
}


def prepare(world):
    """Before the servers start: the peer, and what AWS's API cannot say of the delivery streams."""
    world.peer = Peer()
    world.headwater.options = {
        "HEADWATER_FIREHOSE__STREAMS__TIMED": "{ event-time-column = 'event.at', lateness = '1h' }",
        "HEADWATER_FIREHOSE__STREAMS__MERGING": "{ partitions = { success-marker = true, manifest = true,"
        " compact-below = '1 MiB', compact-to = '1 MiB', close-delay = '1s' } }",
        "HEADWATER_FIREHOSE__ICEBERG": f"{{ '{CATALOG}' = {{ uri = '{world.peer.url}/catalog', token = 'a token' }} }}",
        "HEADWATER_FIREHOSE__FUNCTIONS": f"{{ '{FUNCTION}' = '{world.peer.url}/once' }}",
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


def stream_source(world, name):
    arn = world.create_stream(name, 1)
    configuration = {"KinesisStreamARN": arn, "RoleARN": ROLE}
    return {"DeliveryStreamType": "KinesisStreamAsSource", "KinesisStreamSourceConfiguration": configuration}
