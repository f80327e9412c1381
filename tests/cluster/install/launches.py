"""Ranks that differ from each other: wrappers that change one rank, and jobs of several programs."""
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))
import harness  # noqa: E402  the path comes first
from harness import ProgramTest, Result, Run, skip_loudly  # noqa: E402, F401
import texts  # noqa: E402

CONTEXT = texts.story(12, 1, {5: texts.PASSKEY})
QUERY = "The pass key of the red door is"


class MixedRun(Run):
    """A job of several programs, each with a number of ranks: mpirun -n 1 A.. : -n 1 B.."""

    def __init__(self, parts: list[tuple[int, list]], **options):
        words = []
        for ranks, command in parts:
            words += ([":"] if words else []) + ["-n", str(ranks), *map(str, command)]
        super().__init__([], command=[harness.settings.mpirun, "--oversubscribe", "--bind-to", "none", *words], **options)


class LaunchTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.context = self.write("context.txt", CONTEXT)

    def command(self, program=None, out=None, *more) -> list:
        return [program or harness.settings.program, "run", "--context", self.context, "--query", QUERY, "--keys", "model",
                "--quiet", "--out", out or self.out, *more]

    def only_rank(self, rank: int, action: str) -> list[str]:
        """A wrapper that does `action` (shell) on one rank before the program starts there."""
        path = self.write(f"only-{rank}.sh", f'#!/bin/sh\nif [ "${{OMPI_COMM_WORLD_RANK:-$PMI_RANK}}" = {rank} ]; then\n{action}\nfi\nexec "$@"\n')
        path.chmod(0o755)
        return [str(path)]

    def on_rank_1(self, action: str, *more, ranks=2, **options) -> Result:
        return self.ask(self.context, *more, ranks=ranks, wrapper=self.only_rank(1, action), **options)

    def patched_program(self) -> pathlib.Path:
        """The program as built from other sources: only the hash of its sources differs."""
        program = harness.settings.program
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
        own = version.split("(build ")[1].split(",")[0].encode()
        data = program.read_bytes()
        self.assertEqual(data.count(own), 1, "the hash of the sources stands once in the program")
        other = self.folder / "other" / program.name
        other.parent.mkdir()
        other.write_bytes(data.replace(own, b"0" * len(own)))
        other.chmod(0o755)
        return other

    def changed_model(self) -> pathlib.Path:
        """A copy of the model with one bit of its last weight turned."""
        model = self.folder / "model"
        shutil.copytree(harness.settings.model, model)
        weights = model / "model.safetensors"
        data = bytearray(weights.read_bytes())
        data[-2] ^= 1
        weights.write_bytes(bytes(data))
        return model

    def warnings(self, result: Result) -> list[str]:
        return [line for line in result.err.splitlines() if "warning: " in line]

    def preload(self, source: str) -> pathlib.Path:
        """A shared library from C, as a site's tool may be preloaded."""
        if shutil.which("gcc") is None:
            skip_loudly("a preloaded library: there is no gcc")
        library = self.folder / "preload.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", library, self.write("preload.c", source), "-ldl"], check=True, timeout=60)
        return library

    def german_locale(self) -> pathlib.Path:
        """A folder for LOCPATH with de_DE.UTF-8."""
        folder = self.folder / "locales"
        folder.mkdir()
        if shutil.which("localedef") is None or subprocess.run(["localedef", "-i", "de_DE", "-f", "UTF-8", folder / "de_DE.UTF-8"], check=False,
                                                               capture_output=True, timeout=60).returncode != 0:
            skip_loudly("the locale de_DE: the package locales is missing")
        return folder
