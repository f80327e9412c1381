#!/usr/bin/env python3
"""A processor without AVX: the program finds the same with what there is. qemu's user emulation stands in for the processor."""
import json
import os
import shutil
import subprocess

import harness
from harness import ProgramTest

OLD, SECONDS = "Nehalem", 300


class OldProcessor(ProgramTest):
    def emulated(self, *arguments) -> subprocess.CompletedProcess:
        emulator = shutil.which("qemu-x86_64-static") or shutil.which("qemu-x86_64")
        if emulator is None:
            print("LARIMAR SKIPPED: there is no qemu-x86_64; launch/install.sh --tests installs qemu-user-static", flush=True)
            self.skipTest("no qemu-x86_64")
        return subprocess.run([emulator, "-cpu", OLD, harness.settings.program, *map(str, arguments)], timeout=SECONDS, capture_output=True, text=True,
                              check=False, env={**os.environ, "OMP_NUM_THREADS": "1"})

    def test_answers_are_those_of_this_processor(self):
        context = self.write("context.txt", "".join(f"The pass key of door {n} is {n * 7919}. " for n in range(1, 12)))
        asked = ["run", "--context", context, "--keys", "model", "--quiet", "--query", "The pass key of door 7 is", "--key-store"]
        here, there = self.folder / "here", self.folder / "there"
        for store in ("fp32", "int8"):
            self.assertEqual(self.run_program(*asked, store, "--out", here).code, 0)
            done = self.emulated(*asked, store, "--out", there)
            self.assertEqual(done.returncode, 0, done.stderr)
            mine, other = (json.loads((out / "answers.jsonl").read_text(encoding="utf-8")) for out in (here, there))
            for name in ("answer", "decoded"):
                self.assertEqual(mine[name], other[name], store)
            self.assertIn(str(7 * 7919), other["answer"])

    def test_searches_name_an_instruction_set_that_it_has(self):
        done = self.emulated("bench", "scan", "--quick", "--rounds", "1", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("AVX", json.loads(done.stdout)["instruction_set"])


if __name__ == "__main__":
    harness.main()
