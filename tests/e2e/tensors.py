"""Safetensors files without any package, and the small random codes that the tests put into them."""
import array
import dataclasses
import json
import math
import pathlib
import random
import struct

TYPES = {"F32": "f", "F64": "d", "I64": "q", "U64": "Q", "I32": "i"}


@dataclasses.dataclass
class Tensor:
    kind: str
    shape: list[int]
    values: array.array

    def row(self, at: int) -> array.array:
        width = math.prod(self.shape[1:])
        return self.values[at * width:(at + 1) * width]

    def rows(self) -> list[array.array]:
        return [self.row(at) for at in range(self.shape[0])]


def tensor(kind: str, shape: list[int], values) -> Tensor:
    made = Tensor(kind, shape, array.array(TYPES[kind], values))
    assert len(made.values) == math.prod(shape), "the test's own shapes disagree"
    return made


def matrix(rows, width=None) -> Tensor:
    rows = [list(row) for row in rows]
    return tensor("F32", [len(rows), width or len(rows[0])], [value for row in rows for value in row])


def to_bytes(tensors: dict[str, Tensor]) -> bytes:
    header, data = {}, b""
    for name, one in tensors.items():
        raw = one.values.tobytes()
        header[name] = {"dtype": one.kind, "shape": one.shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def read(path: pathlib.Path) -> dict[str, Tensor]:
    raw = path.read_bytes()
    size = struct.unpack_from("<Q", raw)[0]
    found = {}
    for name, entry in json.loads(raw[8:8 + size]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        found[name] = Tensor(entry["dtype"], entry["shape"], array.array(TYPES[entry["dtype"]], raw[8 + size + begin:8 + size + end]))
    return found


def random_rows(count: int, width: int, seed: int) -> Tensor:
    source = random.Random(seed)
    return matrix([[source.gauss(0, 1) for _ in range(width)] for _ in range(count)], width)


def unit_rows(count: int, width: int, seed: int) -> Tensor:
    rows = []
    for row in random_rows(count, width, seed).rows():
        norm = math.sqrt(sum(value * value for value in row))
        rows.append([value / norm for value in row])
    return matrix(rows, width)


def ids(values) -> Tensor:
    values = list(values)
    return tensor("I64", [len(values)], values)


def largest_difference(one: Tensor, two: Tensor) -> float:
    assert one.shape == two.shape, (one.shape, two.shape)
    return max((abs(a - b) for a, b in zip(one.values, two.values, strict=True)), default=0.0)


def largest(one: Tensor) -> float:
    return max(map(abs, one.values), default=0.0)
