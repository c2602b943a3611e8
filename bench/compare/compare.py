"""JSON lines to zstd Parquet: rows per second of one core, Headwater beside the engines people would use instead.

Every engine reads the same file, infers the columns and writes Parquet with zstd level 3. Each run is a process of its own
with one thread, pinned to one core; the seconds are those of CPU that the conversion took, imports and start-up not counted
for the others. Rounds alternate between the engines, and the median counts, so that a busy machine is busy for all of them.
What was written is read back by DuckDB: rows, sums and distinct texts must agree.
"""

import gzip
import json
import os
import pathlib
import statistics
import subprocess
import sys

ENGINES = ["headwater", "duckdb", "polars", "polars-streaming", "pyarrow"]
PROGRAM = pathlib.Path("target/release/examples/ndjson_to_parquet")


def convert_duckdb(source, target):
    import duckdb

    def run():
        duckdb.sql("SET threads = 1")
        options = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3"
        duckdb.sql(f"COPY (SELECT * FROM read_ndjson_auto('{source}')) TO '{target}' ({options})")

    return run


def convert_polars(source, target):
    import polars

    return lambda: polars.read_ndjson(source).write_parquet(target, compression="zstd", compression_level=3)


def convert_polars_streaming(source, target):
    import polars

    return lambda: polars.scan_ndjson(source).sink_parquet(target, compression="zstd", compression_level=3)


def convert_pyarrow(source, target):
    import pyarrow
    from pyarrow import json as arrow_json
    from pyarrow import parquet

    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)

    def run():
        table = arrow_json.read_json(source, arrow_json.ReadOptions(use_threads=False, block_size=16 << 20))
        parquet.write_table(table, target, compression="zstd", compression_level=3)

    return run


def child(engine, source, target):
    """Runs in a process of its own; prints the seconds of CPU that the conversion took."""
    import time

    run = globals()["convert_" + engine.replace("-", "_")](source, target)
    before = time.process_time()
    run()
    print(time.process_time() - before)


def measure(engine, source, target):
    """Seconds of CPU of one conversion."""
    if engine == "headwater":
        process = subprocess.Popen(["taskset", "-c", "0", PROGRAM, source, target], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{PROGRAM} failed")
        return usage.ru_utime + usage.ru_stime
    command = ["taskset", "-c", "0", sys.executable, "-B", __file__, "--child", engine, source, target]
    environment = {**os.environ, "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment).stdout)


def facts(target):
    """What a file says, whatever its types and the order of its rows are."""
    import duckdb

    columns = [row[0] for row in duckdb.sql(f"DESCRIBE SELECT * FROM '{target}'").fetchall()]
    aggregates = [f'count("{name}"), count(DISTINCT "{name}")' for name in columns]
    figures = duckdb.sql(f"SELECT count(*), {', '.join(aggregates)} FROM '{target}'").fetchall()[0]
    return columns, figures


def main(data="../shared/data/web-hits.ndjson.gz", repeat="50", rounds="5"):
    work = pathlib.Path("target/compare")
    source = work / "input.ndjson"
    lines = gzip.decompress(pathlib.Path(data).read_bytes())
    with source.open("wb") as file:
        for _ in range(int(repeat)):
            file.write(lines)
    row_count = lines.count(b"\n") * int(repeat)
    print(f"{row_count:,} rows, {source.stat().st_size / 2**20:.0f} MiB, {rounds} rounds, one core")
    seconds = {engine: [] for engine in ENGINES}
    targets = {engine: str(work / f"{engine}.parquet") for engine in ENGINES}
    for _ in range(int(rounds)):
        for engine in ENGINES:
            seconds[engine].append(measure(engine, str(source), targets[engine]))
    expected = facts(targets["duckdb"])
    for engine, target in targets.items():
        if facts(target) != expected:
            raise SystemExit(f"{engine} wrote something else: {facts(target)} rather than {expected}")
    ours = statistics.median(seconds["headwater"])
    print(f"{'engine':<18}{'rows/s':>12}{'MiB out':>10}{'headwater is':>14}")
    for engine in ENGINES:
        median = statistics.median(seconds[engine])
        size = os.path.getsize(targets[engine]) / 2**20
        print(f"{engine:<18}{row_count / median:>12,.0f}{size:>10.1f}{median / ours:>13.2f}x")
    print(json.dumps({engine: [round(value, 3) for value in values] for engine, values in seconds.items()}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
