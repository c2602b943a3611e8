"""HTTP to Parquet on S3: producer, server and SeaweedFS on one machine.

`headwater put` sends JSON records of 1 KiB to a stream without limits; a delivery stream converts them to zstd Parquet and
stores them in SeaweedFS. The clock runs from the first record sent until the last one is in the bucket. What landed is read by
DuckDB: every record once. The memory is the most that the server had of its own, and mapped of its files, which the system takes
back when it wants them.
"""

import argparse
import base64
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / ".ci"))
from e2e_world import World, destination, equal, wait_for  # noqa: E402

RECORD_BYTES = 1024
PATIENCE_SECONDS = 600


def write_records(path, count):
    """Records with distinct ids, values of many kinds, and a text of which half is random."""
    draws = random.Random(1)
    agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 "
    with path.open("w") as file:
        for number in range(count):
            event = {
                "id": number,
                "user": f"user-{draws.randrange(90_000)}",
                "path": f"/articles/{draws.randrange(997)}/section-{draws.randrange(7)}",
                "status": 404 if number % 50 == 0 else 200,
                "bytes": draws.randrange(5_003),
                "seconds": draws.random(),
                "text": base64.b64encode(draws.randbytes(300)).decode(),
                "agent": "",
            }
            event["agent"] = (agent * 8)[: RECORD_BYTES - 1 - len(json.dumps(event))]
            file.write(json.dumps(event) + "\n")


def delivered_count(world):
    metric = re.search(r'^firehose_delivered_records_total\{delivery_stream="flow"\} (\d+)', world.headwater.get("/metrics"), re.M)
    return int(metric.group(1)) if metric else 0


class Memory(threading.Thread):
    """Looks every 50 ms how many MiB a process has resident."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.status = pathlib.Path(f"/proc/{pid}/status")
        self.peaks = {"RssAnon": 0, "RssFile": 0}
        self.is_over = threading.Event()
        self.start()

    def run(self):
        while not self.is_over.wait(0.05):
            status = self.status.read_text()
            for kind, peak in self.peaks.items():
                self.peaks[kind] = max(peak, int(re.search(rf"{kind}:\s+(\d+) kB", status).group(1)) / 1024)

    def stop(self):
        self.is_over.set()
        self.join()
        return self.peaks


def run(world, records):
    arn = world.create_stream("fast", 4)
    conversion = {
        "Enabled": True,
        "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
    }
    to = destination("flow/", "flow-errors/", DataFormatConversionConfiguration=conversion)
    to["BufferingHints"] = {"SizeInMBs": 64, "IntervalInSeconds": 10}
    source = {"KinesisStreamARN": arn, "RoleARN": to["RoleARN"]}
    world.firehose.create_delivery_stream(
        DeliveryStreamName="flow",
        DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration=source,
        ExtendedS3DestinationConfiguration=to,
    )
    path = world.work / "records.ndjson"
    write_records(path, records)
    command = [world.headwater.program, "put", "--stream", "fast", "--partition-key-field", "user"]
    memory = Memory(world.headwater.process.pid)
    started = time.monotonic()
    subprocess.run(
        [*command, "--endpoint", world.headwater.url, path], env=world.headwater.environment(), check=True, stderr=subprocess.DEVNULL
    )
    put = time.monotonic() - started
    wait_for("everything is in the bucket", lambda: delivered_count(world) >= records, PATIENCE_SECONDS)
    landed = time.monotonic() - started
    peaks = memory.stop()
    found = world.parquet("flow/").aggregate("count(*), count(DISTINCT id), sum(id)").fetchall()[0]
    equal(found, (records, records, records * (records - 1) // 2))
    print(f"{records:,} records of {RECORD_BYTES} bytes: put at {records / put:,.0f}/s, in the bucket at {records / landed:,.0f}/s")
    objects = len(world.s3.keys("flow/"))
    print(f"{objects} objects; the server had {peaks['RssAnon']:,.0f} MiB of its own and {peaks['RssFile']:,.0f} MiB mapped at most")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("venv", type=pathlib.Path)
    parser.add_argument("records", type=int, nargs="?", default=1_000_000)
    arguments = parser.parse_args()
    work = pathlib.Path("target/flow/work")
    shutil.rmtree(work, ignore_errors=True)
    headwater = pathlib.Path("target/release/headwater")
    world = World(argparse.Namespace(work=work, data=None, venv=arguments.venv, headwater=headwater))
    try:
        world.s3.start()
        world.headwater.start()
        run(world, arguments.records)
    finally:
        world.headwater.kill()
        world.s3.stop()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
