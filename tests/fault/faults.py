"""What the fault tests of the commands share: settings, small files of codes, starting commands, and looks at a memory."""
import hashlib
import json
import os
import pathlib
import random
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
import harness  # noqa: E402  the path comes first

C, D = 6, 4  # components of codes and keys


def rounds(short: int, long: int) -> int:
    """LARIMAR_FAULT_ROUNDS, or the long form if all tests are wanted, or the short one."""
    if "LARIMAR_FAULT_ROUNDS" in os.environ:
        return int(os.environ["LARIMAR_FAULT_ROUNDS"])
    return long if os.environ.get("LARIMAR_FULL_TESTS") == "1" else short


def configure() -> None:
    """For scripts that are no unittest: the settings and the environment that harness.main() gives the others."""
    if len(sys.argv) < 4:
        sys.exit("usage: SCRIPT PROGRAM MPIRUN SOURCE_DIR")
    program, mpirun, source = sys.argv[1:4]
    harness.settings = harness.Settings(pathlib.Path(program).resolve(), mpirun, pathlib.Path(source).resolve())
    for name, value in {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_mpi_yield_when_idle": "1",
                        "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}.items():
        os.environ.setdefault(name, value)


def write_safetensors(path: pathlib.Path, tensors: dict[str, tuple[str, list[int], bytes]]) -> pathlib.Path:
    header, data = {}, b""
    for name, (kind, shape, values) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def read_safetensors(path: pathlib.Path) -> dict[str, bytes]:
    data = path.read_bytes()
    begin = 8 + struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:begin])
    return {name: data[begin + entry["data_offsets"][0]:begin + entry["data_offsets"][1]] for name, entry in header.items()
            if name != "__metadata__"}


def floats(source: random.Random, rows: int, columns: int) -> bytes:
    return struct.pack(f"<{rows * columns}f", *(source.gauss(0, 1) for _ in range(rows * columns)))


def write_codes(path: pathlib.Path, ids: list[int], seed: int) -> pathlib.Path:
    source, rows = random.Random(seed), len(ids)
    return write_safetensors(path, {"ids": ("I64", [rows], struct.pack(f"<{rows}q", *ids)),
                                    "keys": ("F32", [rows, D], floats(source, rows, D)),
                                    "z": ("F32", [rows, C], floats(source, rows, C))})


def write_keys(path: pathlib.Path, rows: int, seed: int) -> pathlib.Path:
    return write_safetensors(path, {"keys": ("F32", [rows, D], floats(random.Random(seed), rows, D))})


def snapshot(folder: pathlib.Path) -> dict[str, str]:
    """Names and hashes of what is committed: all but the lock, which is empty, and left-over temporaries."""
    if not folder.is_dir():
        return {}
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())
            if path.is_file() and path.name != "lock" and not path.name.startswith(".larimar-temporary.")}


def verify(memory: pathlib.Path) -> harness.Result:
    return harness.Run(["verify", memory]).wait()


def errors_of(result: harness.Result) -> list[str]:
    return [line for line in result.err.splitlines() if "error: " in line]


def print_counts(counts: dict) -> None:
    """One JSON line; also into the file of LARIMAR_FAULT_RESULTS, from which docs/reliability.md is made."""
    line = json.dumps(counts, sort_keys=True)
    print(line, flush=True)
    if path := os.environ.get("LARIMAR_FAULT_RESULTS"):
        with open(path, "a", encoding="utf-8") as file:
            file.write(line + "\n")


def add_counts(check: str, counts: dict) -> None:
    print_counts({"check": check, **counts})
