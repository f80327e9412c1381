"""What the Slurm tests share: a cluster for the whole script, submitting, and what a job left."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "fault"), str(HERE.parent.parent / "e2e")]
import isolated  # noqa: E402  the paths come first
import faults  # noqa: E402
import harness  # noqa: E402
import texts  # noqa: E402
from slurm_cluster import FINAL, PROGRAMS, Cluster, call  # noqa: E402,F401

cluster: Cluster
rows: list[list] = []  # of docs/data/cluster-slurm.json
FULL = os.environ.get("LARIMAR_FULL_TESTS") == "1"
COLUMNS = ["job", "started by", "nodes x ranks", "ended", "restarts", "seconds", "checked"]
PASSKEY_PREFIX = "The pass key of the red door is"


def set_up(nodes: int) -> None:
    global cluster
    cluster = Cluster(pathlib.Path(tempfile.mkdtemp(prefix="larimar-slurm-")), nodes)
    try:
        cluster.start()
    except BaseException:
        tear_down()
        raise


def tear_down() -> None:
    """The daemons end with the namespaces."""
    shutil.rmtree(cluster.folder, ignore_errors=True)
    if path := os.environ.get("LARIMAR_CLUSTER_RESULTS"):
        data = {"columns": COLUMNS, "rows": rows}
        pathlib.Path(path).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def without_places(answer: dict) -> dict:
    """An answer without what may differ between rank counts: times, and which shard holds a segment."""
    answer = json.loads(json.dumps(answer))
    del answer["timings"]
    for citation in answer["citations"]:
        del citation["shard"]
    return answer


class SlurmTest(harness.ProgramTest):
    def setUp(self):
        super().setUp()
        self.addCleanup(cluster.clear)

    def submit(self, *arguments, environment=None) -> subprocess.CompletedProcess:
        command = [harness.settings.source / "launch" / "larimar-submit", *arguments]
        if "--program" not in arguments:
            command += ["--program", harness.settings.program]
        return subprocess.run([*map(str, command)], cwd=self.folder, capture_output=True, text=True, timeout=120,
                              env={**os.environ, **(environment or {})})

    def start(self, *arguments, environment=None) -> str:
        """The job's id, or its ids if there are several."""
        result = self.submit(*arguments, environment=environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.strip()

    def log(self, job: str) -> str:
        path = self.folder / f"larimar-{job}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else "(no log)"

    def finish(self, job: str, state="COMPLETED", code="0:0", seconds=120.0) -> dict[str, str]:
        shown = cluster.wait_for(job, seconds=seconds)
        self.assertEqual((shown["JobState"], shown["ExitCode"]), (state, code), self.log(job))
        return shown

    def wait_for_lines(self, path: pathlib.Path, job: str, seconds=60.0):
        """Until the job has written into the file."""
        def happened() -> bool:
            self.assertIn(cluster.state(job), ("PENDING", "CONFIGURING", "RUNNING"), self.log(job))
            return path.exists() and path.stat().st_size > 0
        cluster.wait_until(happened, seconds, f"there is something in {path}")

    @staticmethod
    def note(name: str, started_by: str, size: str, shown: dict[str, str], started: float, checked: str) -> None:
        rows.append([name, started_by, size, f"{shown['JobState']} {shown['ExitCode']}", int(shown["Restarts"]),
                     round(time.monotonic() - started, 1), checked])


def main() -> None:
    isolated.enter()
    isolated.require(PROGRAMS)
    harness.main()
