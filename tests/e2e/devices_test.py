#!/usr/bin/env python3
"""--device and --encode-device where there is no device: what is refused, what goes on on the CPU, and that nothing of CUDA is linked."""
import os
import re
import subprocess

import harness
import texts
from harness import ProgramTest

ABSENT = {"LARIMAR_CUDA_LIBRARY": "libabsent_cuda.so"}
FOREIGN = {"LARIMAR_CUDA_LIBRARY": "libm.so.6"}
RANKS = 4  # with fewer rank 0 decodes


class Links(ProgramTest):
    def test_the_program_needs_no_library_of_cuda(self):
        dynamic = subprocess.run(["readelf", "--dynamic", "--wide", str(harness.settings.program)], check=True, capture_output=True,
                                 text=True, env={**os.environ, "LC_ALL": "C"}).stdout
        needed = re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic)
        self.assertIn("libtorch_cpu.so", needed)
        self.assertEqual([name for name in needed if re.search(r"cuda|cudnn|cublas|nccl|nvidia|libtorch\.so", name)], [])


class Refusals(ProgramTest):
    def setUp(self):
        super().setUp()
        self.context = self.write("context.txt", texts.story(12, 1, {5: texts.PASSKEY}))

    def test_a_decoder_without_a_device_ends_all_ranks(self):
        for environment, words in ((ABSENT, ("cannot be opened", "libabsent_cuda.so")), (FOREIGN, ("libm.so.6 is not the CUDA part",)),
                                   ({"LARIMAR_CUDA_LIBRARY": os.environ["LARIMAR_FAKE_CUDA_FILE"]}, ("symbol_of_another_libtorch",))):
            result = self.ask(self.context, "--device", "cuda", ranks=RANKS, environment=environment)
            self.assert_refused(result, 78, f"rank {RANKS - 1} on ", "choose cpu or auto", *words)
        self.assert_refused(self.ask(self.context, "--device", "cuda:1", environment=ABSENT), 78, '"cuda:1" is not there')

    def test_an_encoder_without_a_device_ends_all_ranks(self):
        result = self.ask(self.context, "--encode-device", "cuda", ranks=RANKS, environment=ABSENT)
        self.assert_refused(result, 78, "rank 0 on ", "libabsent_cuda.so")
        memory = self.folder / "memory"
        result = self.run_program("ingest", "--memory", memory, "--context", self.context, "--encode-device", "cuda", environment=ABSENT)
        self.assertEqual(result.code, 78, result.err)
        self.assertFalse(memory.exists())

    def test_an_unknown_device_is_refused(self):
        for option in ("--device", "--encode-device"):
            self.assert_refused(self.ask(self.context, option, "tpu", ranks=2), 78, '"tpu" is not known; choose cpu, cuda, cuda:N or auto')


class Auto(ProgramTest):
    def test_without_a_device_the_answers_are_those_of_the_cpu_and_one_line_says_so(self):
        context = self.write("context.txt", texts.story(12, 1, {5: texts.PASSKEY}))
        self.assert_done(self.ask(context, ranks=RANKS))
        expected = [{name: answer[name] for name in ("answer", "decoded", "score")} for answer in self.answers()]
        result = self.ask(context, "--device", "auto", ranks=RANKS, environment=ABSENT)
        self.assert_done(result)
        self.assertEqual([{name: answer[name] for name in ("answer", "decoded", "score")} for answer in self.answers()], expected)
        said = [line for line in result.err.splitlines() if "auto" in line]
        self.assertEqual(len(said), 1, result.err)
        self.assertIn(f"--device auto: the CPU on rank {RANKS - 1}, because", said[0])

    def test_a_memory_is_written_and_asked(self):
        context = self.write("context.txt", texts.story(12, 1, {5: texts.PASSKEY}))
        memory = self.folder / "memory"
        result = self.run_program("ingest", "--memory", memory, "--context", context, "--keys", "model", "--encode-device", "auto",
                                  ranks=2, environment=ABSENT)
        self.assertEqual(result.code, 0, result.err)
        self.assertIn("--encode-device auto: the CPU on ranks 0-1", result.err)
        result = self.run_program("ask", "--memory", memory, "--query", "The pass key of the red door is", "--out", self.out,
                                  "--device", "auto", "--encode-device", "auto", environment=ABSENT)
        self.assert_done(result)
        self.assertEqual(result.err.count("auto: the CPU, because"), 2, result.err)


if __name__ == "__main__":
    harness.main()
