"""Formats of records and objects, read and made without our own code."""

import hashlib
import io
import struct
import zipfile

import duckdb

from e2e_world import equal


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


def decompress_zstd(world, data):
    """By DuckDB, as Python has Zstandard from 3.14 on only."""
    path = world.work / "object.zst"
    path.write_bytes(data)
    options = "compression='zstd', header=false, delim='\\0', quote='', escape='', columns={'line': 'VARCHAR'}"
    lines = duckdb.sql(f"SELECT line FROM read_csv('{path}', {options})").fetchall()
    return b"".join(line.encode() + b"\n" for (line,) in lines)


def aggregate(records):
    """An aggregate of the Kinesis Producer Library. Source: its aggregation-format.md."""

    def varint(number):
        head = b""
        while number > 0x7F:
            head, number = head + bytes([number & 0x7F | 0x80]), number >> 7
        return head + bytes([number])

    def field(number, data):
        return varint(number << 3 | 2) + varint(len(data)) + data

    body = field(1, b"key") + b"".join(field(3, b"\x08\x00" + field(3, data)) for data in records)
    return b"\xf3\x89\x9a\xc2" + body + hashlib.md5(body).digest()
