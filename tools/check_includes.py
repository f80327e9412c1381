#!/usr/bin/env python3
"""Check who includes whom: the folder list is the architecture, and this file is the folder list.

usage: check_includes.py [--root DIR]                check the tree; exit code 1 if anything is wrong
       check_includes.py [--root DIR] --headers      print the headers, one a line
       check_includes.py [--root DIR] --headers-without-torch   the same, without those that reach LibTorch
"""
import argparse
import functools
import pathlib
import re
import sys

COMMON = {f"common/{part}" for part in ("base", "linalg", "memory", "comm", "wire", "store", "text", "model")}
ROLES = {"coordinator", "shard", "decoder"}
# Layer -> layers that it may include; its own files always.
MAY_INCLUDE = {
    "common/base": set(),
    "common/linalg": {"common/base"},
    "common/memory": {"common/base", "common/linalg"},
    "common/comm": {"common/base"},
    "common/wire": {"common/base"},
    "common/store": {"common/base"},
    "common/text": {"common/base"},
    "common/model": {"common/base", "common/linalg", "common/text"},
    "coordinator": COMMON,
    "shard": COMMON,
    "decoder": COMMON,
    "train": COMMON,
    "eval": COMMON,
    "launch": COMMON | ROLES | {"train", "eval", "bench"},
    "tests": COMMON | ROLES | {"train", "eval", "launch"},
    "cluster": COMMON | ROLES | {"launch"},
    "bench": COMMON | ROLES | {"train", "eval", "launch"},
}
# Third party -> (how its includes look, where they may stand). A place is a regular expression for the path of the file.
THIRD_PARTIES = {
    "MPI or NCCL": (r"(mpi|mpi-ext|nccl)\.h$", r"common/comm/|tests/"),
    "LibTorch": (r"(torch|ATen|c10)/", r"(common/model|decoder|train)/|tests/(unit/(model|decoder|train)|reference|gpu|support)/"),
    "Eigen": (r"(unsupported/)?Eigen/", r"(common/linalg|common/memory|common/model|shard|coordinator|decoder|train|eval|launch|tests|bench|cluster)/"),
    "OpenBLAS": (r"(cblas|lapacke?)\.h$", r"common/linalg/"),
    "Protobuf": (r".*\.pb\.h$|google/protobuf/", r"common/(wire|store)/.*\.cc$|launch/|tests/unit/(wire|store|launch)/"),
    "SimGrid": (r"simgrid/", r"cluster/simulation/"),
    "GoogleTest": (r"(gtest|gmock)/", r"tests/"),
    "Google Benchmark": (r"benchmark/", r"bench/"),
}
# What the public header of a role must not reach, neither itself nor through what it includes.
HIDDEN_IN_ROLES = ("MPI or NCCL", "LibTorch", "Protobuf")
MAX_LINES = 400
SOURCES = {".h", ".cc", ".inc"}  # .inc: a body that one .cc includes several times
MEASURED = SOURCES | {".py", ".sh", ".cmake"}
NOT_OURS = {"build", "out", "training", "__pycache__"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


class Tree:
    """The files under a root, by path from the root, with their includes. Read once, never changed."""

    def __init__(self, root: pathlib.Path):
        self.root = root
        self.text = {}
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root)
            hidden = any(part.startswith(".") for part in name.parts) or name.parts[0] in NOT_OURS or "__pycache__" in name.parts
            if not hidden and path.suffix in MEASURED and path.is_file():
                self.text[name.as_posix()] = path.read_text(encoding="utf-8", errors="replace")

    def sources(self) -> list[str]:
        return [name for name in self.text if pathlib.PurePosixPath(name).suffix in SOURCES]

    def headers(self) -> list[str]:
        return [name for name in self.sources() if name.endswith(".h")]

    @functools.lru_cache(maxsize=None)
    def includes(self, name: str) -> tuple[tuple[int, str, str], ...]:
        """(line, '<' or '"', path) of each include."""
        found = []
        for number, line in enumerate(self.text[name].splitlines(), start=1):
            match = INCLUDE.match(line)
            if match:
                found.append((number, match.group(1), match.group(2)))
        return tuple(found)

    def reached(self, name: str) -> dict[str, str]:
        """Everything that `name` includes, directly or not: path of the include -> file of ours that includes it."""
        seen, waiting = {}, [name]
        while waiting:
            current = waiting.pop()
            for _, _, path in self.includes(current):
                if path not in seen:
                    seen[path] = current
                    if path in self.text:
                        waiting.append(path)
        return seen


def layer_of(name: str) -> str:
    parts = name.split("/")
    return "/".join(parts[:2]) if parts[0] == "common" else parts[0]


def is_third_party(kind: str, path: str) -> bool:
    return re.match(THIRD_PARTIES[kind][0], path) is not None


def check_file(tree: Tree, name: str):
    """Yields (rule, line, sentence)."""
    layer = layer_of(name)
    if layer not in MAY_INCLUDE:
        yield "place", 1, f"folder {layer} has no place in the architecture; add it to MAY_INCLUDE in tools/check_includes.py"
        return
    if name.endswith(".h") and not re.search(r"^#pragma once$", tree.text[name], re.MULTILINE):
        yield "pragma", 1, "the header has no #pragma once"
    own = re.sub(r"\.cc$", ".h", name)
    if name.endswith(".cc") and own in tree.text:
        first = tree.includes(name)[0] if tree.includes(name) else (1, "", "nothing")
        if first[2] != own:
            yield "own-header", first[0], f'the first include is {first[2]}; it must be "{own}", so that the header is proved complete'
    for line, bracket, path in tree.includes(name):
        if path.endswith(".cc"):
            yield "source", line, f"{path} is a source file; include headers only"
        elif path in tree.text:
            yield from check_inner(name, layer, line, path)
        elif bracket == '"' and not path.endswith(".pb.h"):
            yield "unresolved", line, f'there is no "{path}"; write paths from the repository root, third parties in angle brackets'
        for kind, (_, places) in THIRD_PARTIES.items():
            if is_third_party(kind, path) and not re.match(places, name):
                yield "third-party", line, f"{path}: {kind} has no home here; its homes are {places}"
    if layer in ROLES and name.endswith(".h") and "/internal/" not in name:
        yield from check_public_header(tree, name)


def check_inner(name: str, layer: str, line: int, path: str):
    target = layer_of(path)
    if target != layer and target not in MAY_INCLUDE[layer]:
        yield "layer", line, f"{layer} may not include {target} ({path})"
    parent = path.partition("internal/")[0]
    if "/internal/" in path and layer != "tests" and not name.startswith(parent):
        yield "internal", line, f"{path} is private to {parent}"


def check_public_header(tree: Tree, name: str):
    for path, through in tree.reached(name).items():
        for kind in HIDDEN_IN_ROLES:
            if is_third_party(kind, path):
                yield "public-header", 1, f"the public header of a role shows {kind} ({path}, included by {through}); hide it in the .cc"


def check(tree: Tree) -> list[tuple[str, str, int, str]]:
    """(file, rule, line, sentence) of everything that is wrong."""
    findings = []
    for name, text in tree.text.items():
        lines = text.count("\n")
        if lines > MAX_LINES:
            findings.append((name, "length", lines, f"{lines} lines; split files above {MAX_LINES}"))
    for name in tree.sources():
        findings += [(name, *finding) for finding in check_file(tree, name)]
    return findings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    listing = parser.add_mutually_exclusive_group()
    listing.add_argument("--headers", action="store_true")
    listing.add_argument("--headers-without-torch", action="store_true")
    options = parser.parse_args()
    tree = Tree(options.root)
    if options.headers or options.headers_without_torch:
        for name in tree.headers():
            reaches_torch = any(is_third_party("LibTorch", path) for path in tree.reached(name))
            if options.headers or not reaches_torch:
                print(name)
        return 0
    if not tree.sources():
        print(f"{options.root} holds no C++ source; is --root right?")
        return 1
    findings = check(tree)
    for name, rule, line, sentence in findings:
        print(f"{name}:{line}: [{rule}] {sentence}")
    print(f"{len(tree.sources())} sources checked, {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
