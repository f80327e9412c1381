"""What the tests of dying ranks share: a small memory and questions about it, starting under ULFM, killing, and looking at the end."""
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent / "fault"), str(HERE.parent.parent / "e2e")]
import faults  # noqa: E402  the path comes first
import harness  # noqa: E402
import texts  # noqa: E402

FULL = os.environ.get("LARIMAR_FULL_TESTS") == "1"
SOON = 10.0  # seconds from the death of a rank to the end of a job that does not survive it
DEADLINE = 120.0  # of one start; a hang is what lasts longer
COORDINATOR, SHARD, SHARD2, DECODER = range(4)  # ranks of a job of four


def some(cases: list) -> list:
    """In the short form every third one."""
    return cases if FULL else cases[::3]


def ulfm_parts() -> tuple:
    """Program and mpirun of Open MPI 5, and how each is made."""
    source = harness.settings.source
    program = os.environ.get("LARIMAR_OPENMPI5_PROGRAM", source / "build" / "openmpi5" / "larimar")
    deps = pathlib.Path(os.environ.get("LARIMAR_DEPS", source / ".deps"))
    mpirun = os.environ.get("LARIMAR_OPENMPI5_MPIRUN", deps / "openmpi5" / "bin" / "mpirun")
    return (pathlib.Path(program).resolve(), "launch/build.sh openmpi5"), (pathlib.Path(mpirun), "launch/install.sh --tests")


def has_ulfm() -> bool:
    return all(path.is_file() for path, _ in ulfm_parts())


def use_ulfm() -> None:
    """From now on the program and mpirun of Open MPI 5, with ULFM. Ends the script, loudly, where they are missing."""
    for path, how in ulfm_parts():
        if not path.is_file():
            print(f"LARIMAR SKIPPED: {path} is missing ({how} makes it), so no death can be survived", flush=True)
            sys.exit(0)
    (program, _), (mpirun, _) = ulfm_parts()
    harness.settings = harness.Settings(program, str(mpirun), harness.settings.source, ("--with-ft", "ulfm"))


def use_ulfm_in(case) -> None:
    """The same for one test, which is left out where they are missing."""
    case.addCleanup(setattr, harness, "settings", harness.settings)
    if not has_ulfm():
        harness.skip_loudly("no program of Open MPI 5; launch/build.sh openmpi5 makes it")
    use_ulfm()


def start(arguments, ranks: int, failpoints: str = "") -> harness.Run:
    return harness.Run(arguments, ranks, {"LARIMAR_FAILPOINT": failpoints} if failpoints else {})


@dataclasses.dataclass
class World:
    """A folder with documents, questions, a memory of them and the answers of an unbroken run."""
    folder: pathlib.Path
    context: pathlib.Path
    queries: pathlib.Path
    memory: pathlib.Path
    answers: list
    snapshot: dict

    def ask(self, *more) -> list:
        return ["ask", "--memory", self.memory, "--queries", self.queries, "--batch", "2", "--quiet", *more]

    def run(self, *more) -> list:
        return ["run", "--context", self.context, "--queries", self.queries, "--batch", "2", "--keys", "model", "--quiet", *more]

    def ingest(self, memory: pathlib.Path, *more) -> list:
        return ["ingest", "--memory", memory, "--context", self.context, "--keys", "model", "--quiet", *more]


def make_world() -> World:
    folder = pathlib.Path(tempfile.mkdtemp(prefix="larimar-deaths-"))
    context = folder / "context"
    context.mkdir()
    # Each document starts a block of its own, so every shard has some.
    for number in range(12):
        planted = {3: f"The pass key of door number {number} is {7000 + 13 * number}."}
        (context / f"part-{number:02}.txt").write_text(texts.story(6, number, planted), encoding="utf-8")
    queries = folder / "queries.jsonl"
    queries.write_text("".join(json.dumps({"id": f"door-{n}", "prefix": f"The pass key of door number {n} is"}) + "\n" for n in range(8)),
                       encoding="utf-8")
    world = World(folder, context, queries, folder / "memory", [], {})
    done(start(world.ingest(world.memory), 0))
    world.snapshot = faults.snapshot(world.memory)
    done(start(world.ask("--out", folder / "unbroken"), 0))
    world.answers = answers_in(folder / "unbroken")
    assert len(world.answers) == 8 and "7000" in world.answers[0]["answer"], world.answers
    return world


def done(run: harness.Run, code: int = 0) -> harness.Result:
    result = run.wait(DEADLINE)
    assert result.code == code, f"exit code {result.code}\n{result.err}"
    return result


def answers_in(out: pathlib.Path) -> list:
    """Without what may differ: times, and the number of the shard on which a segment lay."""
    answers = [json.loads(line) for line in (out / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    for answer in answers:
        del answer["timings"]
        for citation in answer["citations"]:
            del citation["shard"]
    return answers


def report_in(out: pathlib.Path) -> dict:
    return json.loads((out / "run.json").read_text(encoding="utf-8"))


def ranks_of(run: harness.Run) -> dict[int, int]:
    """Process of each rank that runs now, by its number in the job."""
    found = {}
    for pid in run.ranks():
        try:
            environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        for entry in environment:
            if entry.startswith(b"OMPI_COMM_WORLD_RANK="):
                found[int(entry.split(b"=")[1])] = pid
    return found


def is_alive(pid: int) -> bool:
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def wait_for_ranks(run: harness.Run, count: int, seconds: float = 60.0) -> dict[int, int]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and run.process.poll() is None:
        found = ranks_of(run)
        if len(found) == count:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{count} ranks did not start\n{run.text(run.errors)}")


def wait_until_begun(run: harness.Run, out: pathlib.Path, seconds: float = 60.0) -> None:
    """Until MPI is up and the command at work: a death before that is mpirun's to handle."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and run.process.poll() is None:
        if (out / "run.json").exists():
            return
        time.sleep(0.02)
    raise AssertionError(f"the job did not begin\n{run.text(run.errors)}")


class DeathWatch:
    """Notes when the ranks of a run die, by the clock that run.json uses, and when the run ends. Looks 100 times a second."""

    def __init__(self, run: harness.Run, ranks: int):
        self.died: dict[int, float] = {}  # by rank, time.time()
        self.ended = 0.0
        self.run, self.count = run, ranks
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self):
        try:
            processes = wait_for_ranks(self.run, self.count)
        except AssertionError:
            processes = {}
        while self.run.process.poll() is None:
            for rank, pid in processes.items():
                if rank not in self.died and not is_alive(pid):
                    self.died[rank] = time.time()
            time.sleep(0.01)
        self.ended = time.time()

    def seconds_to_the_end(self) -> float:
        """From the first death."""
        self.thread.join(timeout=10)
        return self.ended - min(self.died.values()) if self.died else 0.0


def signal_rank(pid: int, number: int = signal.SIGKILL) -> float:
    os.kill(pid, number)
    return time.time()


def seconds_of(text: str) -> float:
    """A time of run.json as time.time() counts."""
    import datetime
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def remove(world: World) -> None:
    shutil.rmtree(world.folder, ignore_errors=True)


def shared_memory_files() -> set[str]:
    return {path.name for path in pathlib.Path("/dev/shm").iterdir()}
