#!/usr/bin/env python3
"""Checks over the files that git tracks.

usage: check_tree.py words      no path of a developer's machine in a text, no file above 40 MB
       check_tree.py scripts    every shell script parses, every Python file compiles
       check_tree.py format     clang-format would change nothing (skipped where clang-format 14 is absent)
       check_tree.py format --fix
Exit code 1 if anything is wrong. A check that cannot run here prints LARIMAR SKIPPED.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

MAX_BYTES = 40_000_000
# Put together from pieces, so that this file passes its own check.
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:" + "|".join(["wo" + "rk/", "tmp/" + "wt", "ho" + "me/[a-z]"]) + ")")
FORMAT_VERSION = 14


def tracked_files(root: pathlib.Path) -> list[pathlib.Path] | None:
    """None where this is no git clone or git is absent."""
    if shutil.which("git") is None or not (root / ".git").exists():
        return None
    # A clone may belong to another user, in a container for example; listing its files is harmless.
    listing = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=root, capture_output=True, check=True)
    return [root / name for name in listing.stdout.decode("utf-8").split("\0") if name and (root / name).is_file()]


def check_words(root: pathlib.Path, files: list[pathlib.Path]) -> list[str]:
    findings = []
    for path in files:
        name = path.relative_to(root).as_posix()
        size = path.stat().st_size
        if size > MAX_BYTES:
            findings.append(f"{name}: {size} bytes, the limit is {MAX_BYTES}; keep large data out of the repository")
            continue
        data = path.read_bytes()
        if b"\0" in data:
            continue
        for number, line in enumerate(data.decode("utf-8", errors="replace").splitlines(), start=1):
            match = MACHINE_PATHS.search(line)
            if match:
                findings.append(f"{name}:{number}: the path {match.group(0)}... exists on one machine only; take it from an option")
    return findings


def is_shell(path: pathlib.Path) -> bool:
    if path.suffix in {".sh", ".sbatch"}:
        return True
    with path.open("rb") as file:
        return re.match(rb"#!.*\b(ba)?sh\b", file.readline(200)) is not None


def check_scripts(root: pathlib.Path, files: list[pathlib.Path]) -> list[str]:
    findings = []
    for path in files:
        name = path.relative_to(root).as_posix()
        if path.suffix == ".py":
            try:
                compile(path.read_bytes(), name, "exec")
            except SyntaxError as error:
                findings.append(f"{name}:{error.lineno}: {error.msg}")
        elif is_shell(path):
            parsed = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True)
            if parsed.returncode != 0:
                findings.append(f"{name}: {parsed.stderr.strip()}")
    return findings


def check_format(root: pathlib.Path, files: list[pathlib.Path], fix: bool) -> list[str]:
    program = shutil.which(f"clang-format-{FORMAT_VERSION}") or shutil.which("clang-format")
    version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout if program else ""
    if f"version {FORMAT_VERSION}." not in version:
        # Other versions break lines differently.
        print(f"LARIMAR SKIPPED: clang-format {FORMAT_VERSION} is not installed")
        return []
    sources = [str(path) for path in files if path.suffix in {".h", ".cc", ".inc"}]
    if fix:
        subprocess.run([program, "-i", *sources], check=True)
        return []
    findings = []
    for source in sources:
        formatted = subprocess.run([program, source], capture_output=True, check=True).stdout
        if formatted != pathlib.Path(source).read_bytes():
            findings.append(f"{pathlib.Path(source).relative_to(root)}: not formatted; run tools/check_tree.py format --fix")
    return findings


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("check", choices=["words", "scripts", "format"])
    parser.add_argument("--fix", action="store_true")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    options = parser.parse_args()
    root = options.root.resolve()
    files = tracked_files(root)
    if files is None:
        print(f"LARIMAR SKIPPED: {root} is no git clone, so there is no list of its files")
        return 0
    if options.check == "words":
        findings = check_words(root, files)
    elif options.check == "scripts":
        findings = check_scripts(root, files)
    else:
        findings = check_format(root, files, options.fix)
    print("\n".join([*findings, f"{options.check}: {len(files)} files, {len(findings)} findings"]))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
