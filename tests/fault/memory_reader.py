"""Reads a memory folder with nothing but docs/format.md at hand: a second opinion on what is on disk, and on that page."""
import dataclasses
import pathlib
import re
import struct

from xxh3 import xxh3_64, xxh3_128

LOG_HEADER = struct.Struct("<8sII16sII16xQ")
RECORD = struct.Struct("<IIQQQQQIIQQQQQIII12xQ")
FRAME = struct.Struct("<8sIIQQQQQQ")
SEGMENTS, FORGET = 1, 2
STATES = {1: "complete", 2: "ingesting", 3: "changing"}


class Damaged(Exception):
    pass


@dataclasses.dataclass
class Record:
    kind: int
    begin: int  # of the record in its file
    end: int
    check: int
    block: int
    document: int
    ids: list[int]


@dataclasses.dataclass
class Log:
    shard: int
    size: int
    check: int  # of the header
    records: list[Record]

    @property
    def whole(self) -> int:
        return self.records[-1].end if self.records else LOG_HEADER.size

    def chain_at(self, length: int) -> tuple[int, int]:
        """(records, chain) of the log's first `length` bytes, which must end with a record."""
        if length == LOG_HEADER.size:
            return 0, self.check
        for count, record in enumerate(self.records, 1):
            if record.end == length:
                return count, record.check
        raise Damaged(f"log.{self.shard:03d}: no record ends at {length}")


@dataclasses.dataclass
class Manifest:
    generation: int
    state: str
    documents: int
    blocks: int
    logs: dict[int, tuple[int, int, int]]  # shard: bytes, records, chain


def padded(size: int) -> int:
    return -size % 64 + size


def read_log(path: pathlib.Path) -> Log | None:
    """The header and the whole records from the front on; what stands behind them is torn. None: not even a header."""
    data = path.read_bytes()
    if len(data) < LOG_HEADER.size:
        return None
    magic, version, shard, _folder, code_size, key_size, check = LOG_HEADER.unpack_from(data)
    if (magic, version) != (b"LARIMLOG", 1) or xxh3_64(data[:56]) != check:
        return None
    log = Log(shard, len(data), check, [])
    previous = check
    while len(data) - log.whole >= RECORD.size:
        record = read_record(data, log.whole, previous, len(log.records), (code_size, key_size))
        if record is None:
            break
        previous = record.check
        log.records.append(record)
    return log


def read_record(data: bytes, at: int, previous: int, number: int, sizes: tuple[int, int]) -> Record | None:
    (magic, kind, own, size, payload_check, before, block, document, n, _begin, _end, _line, _tokens, _masked, rows, code_size,
     key_size, check) = RECORD.unpack_from(data, at)
    payload = data[at + RECORD.size:at + RECORD.size + size]
    if magic != int.from_bytes(b"LREC", "little") or xxh3_64(data[at:at + 120]) != check or (own, before) != (number, previous):
        return None
    if len(payload) != size or xxh3_64(payload) != payload_check:
        return None
    end = at + RECORD.size + size
    if kind == FORGET:
        return Record(kind, at, end, check, block, document, list(struct.unpack_from(f"<{n}Q", payload)))
    entries = padded(4 * n * code_size) + padded(4 * rows * key_size)
    expected = entries + padded(32 * n) + padded(4 * rows)
    if (code_size, key_size) != sizes or size != expected:
        raise Damaged(f"record {number} of log.{block % 256:03d} has {size} bytes of payload, its counts say {expected}")
    return Record(kind, at, end, check, block, document, [u[0] for u in struct.iter_unpack("<Q24x", payload[entries:entries + 32 * n])])


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at += 1
        shift += 7
        if data[at - 1] < 0x80:
            return value, at


def fields(data: bytes):
    """(number, value) of a Protobuf message; nested messages and texts as bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 1:
            value, at = struct.unpack_from("<Q", data, at)[0], at + 8
        else:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        yield key >> 3, value


def read_manifest(path: pathlib.Path) -> Manifest:
    data = path.read_bytes()
    if len(data) < FRAME.size:
        raise Damaged(f"{path.name} is cut")
    magic, version, _zero, generation, length, low, high, _reserved, check = FRAME.unpack_from(data)
    payload = data[FRAME.size:]
    if (magic, version, length) != (b"LARIMMAN", 1, len(payload)) or xxh3_64(data[:56]) != check:
        raise Damaged(f"the frame of {path.name}")
    if xxh3_128(payload) != (low, high):
        raise Damaged(f"the content of {path.name}")
    if generation % 2 != int(path.name[-1]):
        raise Damaged(f"{path.name} holds generation {generation}")
    plain = dict(fields(payload))
    logs = {}
    for log in (dict(fields(value)) for number, value in fields(payload) if number == 13):
        logs[log.get(1, 0)] = (log[2], log.get(3, 0), log[4])
    documents = sum(number == 11 for number, _ in fields(payload))
    return Manifest(generation, STATES[plain[2]], documents, plain.get(12, 0), logs)


def read_logs(folder: pathlib.Path) -> list[Log]:
    paths = sorted(path for path in folder.glob("log.*") if re.fullmatch(r"log\.\d{3}", path.name))
    return [log for log in map(read_log, paths) if log is not None]


def blocks_on_disk(folder: pathlib.Path) -> list[int]:
    """Of all whole records, committed or not."""
    return [record.block for log in read_logs(folder) for record in log.records if record.kind == SEGMENTS]


def check_complete(folder: pathlib.Path) -> Manifest:
    """The newest manifest, after every promise of the format page about a complete memory was checked."""
    manifest = max((read_manifest(path) for path in folder.glob("manifest.[01]")), key=lambda m: m.generation)
    if manifest.state != "complete":
        raise Damaged(f"the newest manifest is {manifest.state}")
    logs = {log.shard: log for log in read_logs(folder)}
    for shard, (size, records, chain) in manifest.logs.items():
        if shard not in logs or logs[shard].chain_at(size) != (records, chain) or logs[shard].size != size:
            raise Damaged(f"log.{shard:03d} is not as the manifest counts it")
    for log in logs.values():
        for record in log.records:
            if record.kind == SEGMENTS and record.block % 256 != log.shard:
                raise Damaged(f"block {record.block} in log.{log.shard:03d}")
    if set(logs) != set(manifest.logs):
        raise Damaged(f"logs {sorted(set(logs) ^ set(manifest.logs))} are on disk or in the manifest, not in both")
    blocks = sorted(blocks_on_disk(folder))
    if blocks != list(range(manifest.blocks)):
        raise Damaged(f"blocks {blocks} where 0 to {manifest.blocks - 1} are to be, each once")
    return manifest
