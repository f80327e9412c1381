#!/usr/bin/env python3
"""larimar train alone and under mpirun: one result whatever the number of ranks, and one clear end when something goes wrong."""
import json
import os
import pathlib
import random
import signal
import time

import harness

WORDS = "river stone market winter letter garden train doctor song bread".split()


def text(seed: int, sentences: int) -> str:
    draw = random.Random(seed)
    return "".join("The " + " ".join(draw.choices(WORDS, k=draw.randint(5, 9))) + " ended.\n" for _ in range(sentences))


class TrainTest(harness.ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("train/a.txt", text(1, 200))
        self.write("valid/a.txt", text(2, 20))

    def arguments(self, out: pathlib.Path, *more, steps=20) -> list:
        return ["train", "--data", self.folder / "train", "--valid", self.folder / "valid", "--out", out,
                "--tokenizer", harness.settings.model / "tokenizer.json", "--width", 16, "--heads", 2, "--encoder-layers", 1,
                "--decoder-layers", 1, "--latent-size", 8, "--batch-tokens", 256, "--candidates", 256, "--warmup", 5,
                "--steps", steps, "--micro-batches", 2, *more]

    def train(self, out: pathlib.Path, *more, ranks=0, steps=20) -> harness.Result:
        return self.run_program(*self.arguments(out, *more, steps=steps), ranks=ranks)

    def curve(self, out: pathlib.Path) -> list[dict]:
        lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
        return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]

    def assert_same_run(self, one: pathlib.Path, other: pathlib.Path):
        self.assertEqual((one / "model" / "model.safetensors").read_bytes(), (other / "model" / "model.safetensors").read_bytes())

    def assert_ends(self, result: harness.Result, code: int, *words: str):
        self.assertEqual(result.code, code, result.err)
        errors = [line for line in result.err.splitlines() if "error: " in line]
        self.assertEqual(len(errors), 1, f"one sentence for the job, not one for each rank:\n{result.err}")
        for word in words:
            self.assertIn(word, errors[0])

    def start_and_wait_for_checkpoint(self, out: pathlib.Path, *more) -> harness.Run:
        run = harness.Run(self.arguments(out, "--checkpoint-every", 0, *more, steps=2000), 2)
        deadline = time.monotonic() + harness.DEADLINE
        while not (out / "checkpoint.safetensors").exists():
            if run.process.poll() is not None or time.monotonic() > deadline:
                self.fail(f"no checkpoint\n{run.wait().err}")
            time.sleep(0.05)
        return run

    def test_two_ranks_train_as_one_does(self):
        alone, together = self.folder / "alone", self.folder / "together"
        result = self.train(alone)
        self.assertEqual(result.code, 0, result.err)
        result = self.train(together, ranks=2)
        self.assertEqual(result.code, 0, result.err)
        self.assertEqual(len([line for line in result.out.splitlines() if '"kind":"valid"' in line]), 1, "rank 0 alone speaks")
        self.assert_same_run(alone, together)
        self.assertEqual(self.curve(alone), self.curve(together))
        longer = self.train(together, steps=24)  # goes on alone
        self.assertEqual(longer.code, 0, longer.err)
        self.assertIn("resumed at step 20", longer.out)

    def test_more_ranks_than_micro_batches_are_refused(self):
        self.assert_ends(self.train(self.out, ranks=3), 78, "3 ranks cannot share 2 micro-batches", "--micro-batches 3")
        self.assertFalse(self.out.exists())

    def test_a_device_that_is_not_there_is_refused(self):
        self.assert_ends(self.train(self.out, "--device", "cuda:77", ranks=2), 78, "cuda:77", "choose cpu")

    def test_a_loss_that_is_not_finite_ends_all_ranks(self):
        self.assert_ends(self.train(self.out, "--learning-rate", 1e30, ranks=2), 70, "not finite", "--learning-rate")
        self.assertFalse((self.out / "model").exists())

    def test_a_killed_rank_ends_the_job_and_the_run_goes_on_alone(self):
        run = self.start_and_wait_for_checkpoint(self.out)
        os.kill(run.ranks()[-1], signal.SIGKILL)
        result = run.wait()
        self.assertNotEqual(result.code, 0)
        self.assertFalse((self.out / "model").exists())
        result = self.train(self.out, steps=1)  # the checkpoint is whole; it is at this step or behind it
        self.assertEqual(result.code, 0, result.err)
        self.assertIn("resumed at step", result.out)

    def test_a_stopped_rank_ends_the_job_after_the_patience(self):
        run = self.start_and_wait_for_checkpoint(self.out, "--patience", 3)
        stopped = run.ranks()[-1]
        os.kill(stopped, signal.SIGSTOP)
        result = run.wait()
        self.assertEqual(result.code, 70, result.err)
        self.assertIn("in vain", result.err)
        self.assertIn("phase 'train'", result.err)


if __name__ == "__main__":
    harness.main()
