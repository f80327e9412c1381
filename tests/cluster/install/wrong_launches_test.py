#!/usr/bin/env python3
"""Jobs that are started wrongly: each ends soon, with one sentence that names ranks and what they have, before any work."""
import json
import os
import pathlib
import shutil
import subprocess

import launches
import harness
from launches import LaunchTest, MixedRun, Run, skip_loudly


class OtherProgram(LaunchTest):
    def test_another_build_on_a_rank(self):
        result = MixedRun([(2, self.command()), (1, self.command(self.patched_program()))]).wait()
        self.assert_refused(result, 78, "ranks 0-1 on", "rank 2 on", "has 0.1.0 (build 000000000000", "one build")
        self.assertFalse(self.out.exists(), "nothing is done before the ranks are compared")

    def test_the_same_build_elsewhere_is_fine(self):
        other = self.folder / "elsewhere" / "renamed"
        other.parent.mkdir()
        shutil.copy2(harness.settings.program, other)
        self.assert_done(MixedRun([(1, self.command()), (1, self.command(other))]).wait())

    def test_another_command_on_a_rank(self):
        memory = ["ask", "--memory", self.folder / "none", "--query", "x", "--out", self.out]
        result = MixedRun([(1, self.command()), (1, [harness.settings.program, *memory])]).wait()
        self.assert_refused(result, 78, 'has "run"', 'has "ask"')

    def test_a_program_that_never_starts(self):
        result = MixedRun([(1, self.command()), (1, ["sleep", "300"])], environment={"LARIMAR_START_TIMEOUT": "4"}).wait()
        self.assertNotEqual(result.code, 0)
        self.assertIn("the 2 ranks of this job did not find each other within 4 s", result.err)
        self.assertLess(result.seconds, 40)

    def test_a_rank_that_dies_at_the_start(self):
        result = self.on_rank_1("exit 9")
        self.assertNotEqual(result.code, 0)
        self.assertFalse((self.out / "answers.jsonl").exists())

    def test_a_time_limit_that_is_none(self):
        self.assert_refused(self.ask(self.context, ranks=1, environment={"LARIMAR_START_TIMEOUT": "soon"}), 78, "LARIMAR_START_TIMEOUT")


class OtherFiles(LaunchTest):
    def test_another_model_on_a_rank(self):
        result = self.on_rank_1(f"export LARIMAR_RUN_MODEL={self.changed_model()}", ranks=3)
        self.assert_refused(result, 78, "differ in the model", "ranks 0, 2 on", "rank 1 on", "--model")

    def test_no_model_on_a_rank(self):
        result = self.on_rank_1(f"export LARIMAR_RUN_MODEL={self.folder}/absent")
        self.assert_refused(result, 66, "rank 1 on", "absent", "--model")

    def test_other_keys_on_a_rank(self):
        keys = harness.settings.source / ".deps" / "minilm"
        keys = pathlib.Path(os.environ.get("LARIMAR_DEPS", keys.parent)) / "minilm"
        if not (keys / "model.safetensors").exists():
            skip_loudly("other keys on a rank: all-MiniLM is not installed")
        result = self.run_program("run", "--context", self.context, "--query", "x", "--out", self.out, "--quiet", ranks=2,
                                  wrapper=self.only_rank(1, f"export LARIMAR_RUN_KEYS_FOLDER={self.folder}/absent"))
        self.assert_refused(result, 78, "the key network", "rank 1 on", "minilm")

    def test_other_settings_on_a_rank(self):
        result = self.on_rank_1("export LARIMAR_RUN_READS=3")
        self.assert_refused(result, 78, "the setting reads", "has 4", "has 3", "LARIMAR_ variables")

    def hidden(self, folder: pathlib.Path) -> str:
        """Shell that starts the program where `folder` is empty, as on a host without the shared file system."""
        if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode != 0:
            skip_loudly("a folder that one rank does not see: mount namespaces take root")
        return f'exec unshare -m sh -c \'mount -t tmpfs none "$0" && exec "$@"\' {folder} "$@"'

    def test_a_memory_that_one_rank_does_not_see(self):
        memory = self.folder / "book.memory"
        self.assert_done(self.run_program("ingest", "--memory", memory, "--context", self.context, "--keys", "model", ranks=2))
        result = self.run_program("ask", "--memory", memory, "--query", launches.QUERY, "--out", self.out, ranks=3,
                                  wrapper=self.only_rank(1, self.hidden(memory)))
        self.assert_refused(result, 65, "rank 1 on", "book.memory is not a memory")

    def test_a_context_that_one_rank_does_not_see(self):
        folder = self.folder / "texts"
        folder.mkdir()
        shutil.copy2(self.context, folder / "a.txt")
        result = self.run_program("run", "--context", folder / "a.txt", "--query", "x", "--keys", "model", "--quiet", "--out", self.out, ranks=3,
                                  wrapper=self.only_rank(2, self.hidden(folder)))
        self.assert_refused(result, 66, "rank 2 on", "a.txt")

    def test_out_that_cannot_be_made(self):
        out = self.write("file", "here") / "out"
        self.assert_refused(self.ask(self.context, out=out, ranks=3), 73, "file/out", out=self.folder / "none")


class Size(LaunchTest):
    def test_ranks_that_only_partly_found_each_other(self):
        late = self.write("srun.sh", '#!/bin/sh\nunset OMPI_COMM_WORLD_SIZE\nexec env SLURM_NTASKS=4 SLURM_STEP_NUM_TASKS=4 "$@"\n')
        late.chmod(0o755)
        result = self.ask(self.context, ranks=2, wrapper=[str(late)])
        self.assert_refused(result, 78, "4 ranks were started but only 2 found each other", "srun --mpi=pmix")

    def test_a_larger_allocation_is_fine(self):
        self.assert_done(self.ask(self.context, ranks=2, environment={"SLURM_NTASKS": "8", "SLURM_STEP_NUM_TASKS": "1"}))

    def test_srun_without_pmix(self):
        """Four processes that each believe to be alone; only the first speaks."""
        runs = [Run(self.command()[1:], environment={"SLURM_NTASKS": "4", "SLURM_PROCID": str(task), "SLURM_STEP_ID": "0"}) for task in range(4)]
        results = [run.wait() for run in runs]
        self.assertEqual([result.code for result in results], [78] * 4)
        self.assertIn("4 ranks were asked for", results[0].err)
        self.assertEqual("".join(result.err for result in results).count("error: "), 1)
        self.assertFalse(self.out.exists())

    def test_decoders_that_leave_no_shard(self):
        for ranks, decoders in ((3, 2), (3, 5), (0, 2)):
            with self.subTest(ranks=ranks, decoders=decoders):
                result = self.ask(self.context, "--decoders", decoders, ranks=ranks)
                self.assert_refused(result, 78, f"--decoders {decoders}", "fewer decoders")

    def test_decoders_that_are_too_many(self):
        result = self.ask(self.context, "--decoders", "2", ranks=4)
        self.assert_done(result)
        self.assertIn("rank 0 decodes alone", "".join(self.warnings(result)))

    def test_more_ranks_than_slots(self):
        command = [harness.settings.mpirun, "-n", "99", *map(str, self.command())]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("slots", done.stdout + done.stderr)


class OtherLauncher(LaunchTest):
    def started_by(self, launcher: str, *words) -> harness.Result:
        return Run(self.command()[1:], prefix=[launcher, *words, "-n", "2"]).wait()

    def assert_alone(self, result: harness.Result):
        self.assert_refused(result, 78, "2 ranks were asked for", "mpirun of the MPI it was built with")

    def test_mpich(self):
        launcher = shutil.which("mpiexec.mpich")
        if launcher is None:
            skip_loudly("MPICH's mpiexec: the package mpich is missing")
        self.assert_alone(self.started_by(launcher))

    def test_another_version_of_open_mpi(self):
        launcher = pathlib.Path(os.environ.get("LARIMAR_DEPS", harness.settings.source / ".deps")) / "openmpi5" / "bin" / "mpirun"
        if not launcher.exists():
            skip_loudly("Open MPI 5's mpirun: launch/install.sh --tests fetches it")
        result = self.started_by(str(launcher), "--oversubscribe")
        # The two may understand each other; then the job is a job of two ranks. What may not be is two jobs of one rank.
        if result.code != 0:
            self.assert_alone(result)
        else:
            self.assertEqual(len(self.report()["ranks"]), 2)


class Surroundings(LaunchTest):
    def test_another_locale_on_a_rank(self):
        self.assert_done(self.ask(self.context, ranks=2))
        expected = self.answers()
        shutil.rmtree(self.out)
        setting = f"export LOCPATH={self.german_locale()} LC_ALL=de_DE.UTF-8 LANG=de_DE.UTF-8"
        # A library that takes the locale from the environment before main, as some preloaded tools do.
        early = self.preload('#include <locale.h>\n__attribute__((constructor)) static void take(void) { setlocale(LC_ALL, ""); }\n')
        self.assert_done(self.on_rank_1(f"{setting} LD_PRELOAD={early}"))
        found = self.answers()
        for answer in expected + found:
            del answer["timings"]
        self.assertEqual(found, expected)

    def test_a_locale_that_a_library_sets_behind_our_back(self):
        setting = f"export LOCPATH={self.german_locale()} LC_ALL=de_DE.UTF-8"
        late = self.preload('#define _GNU_SOURCE\n#include <dlfcn.h>\n#include <locale.h>\n'
                            'int MPI_Init_thread(int* c, char*** v, int r, int* p) {\n'
                            '  int (*real)(int*, char***, int, int*) = (int (*)(int*, char***, int, int*))dlsym(RTLD_NEXT, "MPI_Init_thread");\n'
                            '  int code = real(c, v, r, p);\n  setlocale(LC_ALL, "");\n  return code;\n}\n')
        self.assert_refused(self.on_rank_1(f"{setting} LD_PRELOAD={late}"), 78, "how numbers are written", "has 1,5", "has 1.5")

    def test_other_numbers_of_threads(self):
        result = self.on_rank_1("export OMP_NUM_THREADS=3")
        self.assert_done(result)
        self.assertEqual(len(self.warnings(result)), 1, result.err)
        self.assertIn("OMP_NUM_THREADS: rank 0 on", result.err)

    def test_more_threads_than_cores(self):
        eager = {"OMPI_MCA_mpi_yield_when_idle": "0", "OMP_WAIT_POLICY": "active"}
        cores = os.cpu_count()
        result = self.ask(self.context, "--threads", cores, ranks=2, environment=eager)
        self.assert_done(result)
        self.assertEqual(len(self.warnings(result)), 1, result.err)
        self.assertIn(f"{cores} cores for {2 * cores} threads of 2 ranks", result.err)
        self.assertEqual(self.warnings(self.ask(self.context, ranks=2)), [])

    def test_a_temporary_folder_that_is_too_long_for_a_socket(self):
        """Neither Open MPI nor MPICH minds; the doctor notes it for those that do."""
        longer = self.folder / ("d" * 60) / ("e" * 60)
        longer.mkdir(parents=True)
        self.assert_done(self.ask(self.context, ranks=2, environment={"TMPDIR": str(longer)}))
        doctor = self.run_program("doctor", "--json", environment={"TMPDIR": str(longer)})
        said = [one for one in json.loads(doctor.out)["findings"] if one["check"] == "TMPDIR"]
        self.assertEqual([one["state"] for one in said], ["note"])

    def test_a_temporary_folder_that_cannot_be_made(self):
        result = self.ask(self.context, ranks=2, environment={"TMPDIR": "/proc/none"})
        self.assertNotEqual(result.code, 0)
        self.assertFalse((self.out / "answers.jsonl").exists())
        # mpirun ends before larimar is started; the doctor, without mpirun, says why.
        doctor = self.run_program("doctor", "--json", environment={"TMPDIR": "/proc/none"})
        self.assertEqual(doctor.code, 78, doctor.err)
        said = [one for one in json.loads(doctor.out)["findings"] if one["check"] == "TMPDIR"]
        self.assertEqual([one["state"] for one in said], ["BAD"])


if __name__ == "__main__":
    harness.main()
