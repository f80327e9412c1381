"""What the end-to-end tests share: starting the program alone or under mpirun, with a deadline and no process left behind.

Each script is called as SCRIPT PROGRAM MPIRUN SOURCE_DIR and says "larimar e2e PASSED" as its last line, and only then.
"""
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

DEADLINE = 60.0  # seconds for one start of the program, on a machine that does other things too
MARK = "LARIMAR_E2E_MARK"  # in the environment of everything that a test starts, so that it can be found again


@dataclasses.dataclass
class Settings:
    program: pathlib.Path
    mpirun: str
    source: pathlib.Path
    mpirun_options: tuple = ()

    @property
    def model(self) -> pathlib.Path:
        return self.source / "models" / "larimar-compact"


settings: Settings


@dataclasses.dataclass
class Result:
    code: int
    out: str
    err: str
    seconds: float


def marked_processes(mark: str) -> list[int]:
    """Processes that carry the mark, found by their environment: mpirun puts its ranks into groups of their own."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
        except OSError:  # ended meanwhile, or another user's
            continue
    return found


def end_marked(mark: str) -> None:
    for pid in marked_processes(mark):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


class Run:
    """A start of the program. ranks 0: without mpirun."""

    def __init__(self, arguments, ranks=0, environment=None, prefix=(), wrapper=(), cwd=None, stdin=b"", command=None):
        """`prefix` stands before the whole command, `wrapper` before each rank's program; `stdin` is what it can read.
        `command` is started instead, as it is."""
        self.mark = uuid.uuid4().hex
        self.output = tempfile.TemporaryFile()
        self.errors = tempfile.TemporaryFile()
        started = [*wrapper, str(settings.program), *map(str, arguments)] if command is None else [*map(str, command)]
        if ranks > 0:
            started = [settings.mpirun, *settings.mpirun_options, "--oversubscribe", "--bind-to", "none", "-n", str(ranks), *started]
        env = {name: value for name, value in os.environ.items() if not name.startswith(("LARIMAR_RUN_", "SLURM_", "PMI"))}
        env.update({"LARIMAR_HOME": str(settings.source), MARK: self.mark, **(environment or {})})
        given = tempfile.TemporaryFile()
        given.write(stdin)
        given.seek(0)
        self.started = time.monotonic()
        self.process = subprocess.Popen([*prefix, *started], stdin=given, stdout=self.output,
                                        stderr=self.errors, env=env, cwd=cwd, start_new_session=True)
        given.close()

    def ranks(self) -> list[int]:
        """Process ids of the running ranks."""
        ids = []
        for pid in marked_processes(self.mark):
            try:
                name = pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
                if name == settings.program.name[:15]:
                    ids.append(pid)
            except OSError:
                continue
        return sorted(ids)

    def wait(self, deadline=DEADLINE) -> Result:
        try:
            self.process.wait(timeout=deadline)
        except subprocess.TimeoutExpired:
            end_marked(self.mark)
            self.process.wait()
            raise AssertionError(f"no end after {deadline} s\n{self.text(self.errors)}") from None
        result = Result(self.process.returncode, "", self.text(self.errors), time.monotonic() - self.started)
        result.out = self.text(self.output)
        self.output.close()
        self.errors.close()
        left = self.wait_for_leftovers()
        if left:
            end_marked(self.mark)
            raise AssertionError(f"processes {left} outlived the program\n{result.err}")
        return result

    def wait_for_leftovers(self) -> list[int]:
        for _ in range(50):
            left = marked_processes(self.mark)
            if not left:
                break
            time.sleep(0.1)
        return left

    @staticmethod
    def text(file) -> str:
        file.seek(0)
        return file.read().decode("utf-8", errors="replace")


class ProgramTest(unittest.TestCase):
    """A folder of its own for each test, and the checks that all of them make."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="larimar-e2e-"))
        self.folder.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.out = self.folder / "out"

    def write(self, name: str, content) -> pathlib.Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    def run_program(self, *arguments, ranks=0, **options) -> Result:
        return Run(arguments, ranks, **options).wait()

    def ask(self, context, *arguments, ranks=0, query="The pass key of the red door is", out=None, **options) -> Result:
        asked = ["--query", query] if query else []
        return self.run_program("run", "--context", context, "--out", out or self.out, "--keys", "model", "--quiet", *asked,
                                *arguments, ranks=ranks, **options)

    def answers(self, out=None) -> list[dict]:
        text = ((out or self.out) / "answers.jsonl").read_text(encoding="utf-8")
        self.assertTrue(text.endswith("\n"), "answers.jsonl is cut short")
        return [json.loads(line) for line in text.splitlines()]

    def report(self, out=None) -> dict:
        return json.loads(((out or self.out) / "run.json").read_text(encoding="utf-8"))

    def assert_done(self, result: Result, code=0):
        self.assertEqual(result.code, code, result.err)
        self.assert_nothing_half_written()

    def assert_refused(self, result: Result, code: int, *words: str, out=None):
        """The exit code, one error that holds all the words, no answers, and a report that says the same."""
        self.assertEqual(result.code, code, result.err)
        errors = [line for line in result.err.splitlines() if "error: " in line]
        self.assertEqual(len(errors), 1, f"one sentence for the job, not one for each rank:\n{result.err}")
        for word in words:
            self.assertIn(word, result.err)
        self.assert_nothing_half_written()
        folder = out or self.out
        self.assertFalse((folder / "answers.jsonl").exists(), "answers of a run that was refused")
        if (folder / "run.json").exists():
            report = self.report(folder)
            self.assertEqual((report["status"], report["exit_code"]), ("failed", code))
            self.assertIn(report["error"].split("\n")[0], result.err)

    def assert_nothing_half_written(self):
        if not self.out.is_dir():
            return
        names = {path.name for path in self.out.iterdir()}
        self.assertLessEqual(names, {"answers.jsonl", "run.json"}, "temporary files are left")


def skip_loudly(why: str):
    print(f"LARIMAR e2e: left out: {why}", file=sys.stderr, flush=True)
    raise unittest.SkipTest(why)


def main():
    global settings
    if len(sys.argv) < 4:
        sys.exit("usage: SCRIPT PROGRAM MPIRUN SOURCE_DIR [unittest arguments]")
    program, mpirun, source = sys.argv[1:4]
    settings = Settings(pathlib.Path(program).resolve(), mpirun, pathlib.Path(source).resolve())
    # CTest sets these as well; a script may also be started by hand. The ranks take turns on the cores that there are.
    for name, value in {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_mpi_yield_when_idle": "1",
                        "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive"}.items():
        os.environ.setdefault(name, value)
    # This module, not the __main__ copy of a script, must hold the settings.
    sys.modules["harness"].settings = settings
    ended = unittest.main(module="__main__", argv=[sys.argv[0], *sys.argv[4:]], exit=False, verbosity=2).result
    ran = ended.testsRun - len(ended.skipped)
    if not ended.wasSuccessful() or ran == 0:
        print(f"larimar e2e FAILED: {len(ended.failures)} failures, {len(ended.errors)} errors, {ran} tests ran", flush=True)
        sys.exit(1)
    print(f"larimar e2e PASSED: {ran} tests", flush=True)
