#!/usr/bin/env python3
"""The example of docs/codes.md, as it stands there, runs."""
import os
import pathlib
import re
import shutil
import subprocess

import harness
from harness import ProgramTest, skip_loudly

PYTHON = "/usr/bin/python3"


class Example(ProgramTest):
    def setUp(self):
        super().setUp()
        packages = pathlib.Path(os.environ.get("LARIMAR_DEPS", "")) / "python"
        # The names of the example, on the path: mpirun with what this machine needs, and the program of this build.
        names = self.folder / "names"
        names.mkdir()
        (names / "larimar").symlink_to(harness.settings.program)
        mpirun = self.write("names/mpirun", f'#!/bin/sh\nexec {shutil.which(harness.settings.mpirun)} --oversubscribe --bind-to none "$@"\n')
        mpirun.chmod(0o755)
        self.environment = {**os.environ, "PYTHONPATH": str(packages), "PATH": f"{names}:{os.environ['PATH']}",
                            "LARIMAR_HOME": str(harness.settings.source)}
        there = subprocess.run([PYTHON, "-c", "import numpy, safetensors.numpy"], env=self.environment, capture_output=True, text=True, check=False)
        if there.returncode != 0:
            skip_loudly(f"numpy or safetensors is not installed (launch/install.sh): {there.stderr.strip().splitlines()[-1]}")

    def run_example(self, code: str) -> subprocess.CompletedProcess:
        work = self.folder / "work"
        work.mkdir(exist_ok=True)
        return subprocess.run([PYTHON, "-c", code], cwd=work, env=self.environment, capture_output=True, text=True, timeout=harness.DEADLINE,
                              check=False)

    def test_it_runs(self):
        text = (harness.settings.source / "docs" / "codes.md").read_text(encoding="utf-8")
        blocks = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        self.assertEqual(len(blocks), 1)
        lines = [line for line in blocks[0].splitlines() if line and not re.match(r"(import|from) ", line)]
        self.assertLessEqual(len(lines), 10, "a short example")
        done = self.run_example(blocks[0])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.folder / "work" / "memory" / "manifest.0").is_file())
        # The check at its end can fail.
        self.assertIn("assert ", lines[-1])
        wrong = self.run_example(blocks[0].replace("codes[::10])", "codes[1::10])").replace('"memory"', '"other"'))
        self.assertIn("AssertionError", wrong.stderr)


if __name__ == "__main__":
    harness.main()
