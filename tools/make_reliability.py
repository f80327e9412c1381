#!/usr/bin/env python3
"""Makes the tables of docs/reliability.md, as results_to_docs.py takes them, out of what the fault tests printed.

    make_reliability.py goals OUT/reliability > docs/data/reliability-goals.json
    make_reliability.py speed OUT/reliability > docs/data/reliability-speed.json

OUT/reliability holds checks.jsonl, one line for each run of a check of which the last counts, and NAME.txt, the output of the
test program fault/NAME. Standard library only. Exit codes: 0 done, 2 usage, 65 a number is not there, 66 missing file.
"""
import json
import pathlib
import re
import sys


class Results:
    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        lines = (folder / "checks.jsonl").read_text(encoding="utf-8").splitlines()
        self.checks = {entry["check"]: entry for entry in map(json.loads, lines)}

    def printed(self, test: str, pattern: str) -> str:
        """The line of a test program that matches."""
        found = re.search(f"^.*{pattern}.*$", (self.folder / f"{test}.txt").read_text(encoding="utf-8"), re.M)
        if found is None:
            raise KeyError(f"a line like \"{pattern}\" in {test}.txt")
        return found[0].strip()


def kills_text(kills: dict) -> str:
    roles = ", ".join(f"{count} {role}" for role, count in sorted(kills["by_role"].items()))
    points = len([name for name in kills["by_failpoint"] if name != "random time"])
    return (f"{kills['kills']} kills ({roles}) at {points} failpoints and {kills['by_failpoint'].get('random time', 0)} random "
            f"times; {kills['acknowledged']} blocks acknowledged, {kills['lost']} lost, {kills['duplicated']} twice; "
            f"{kills['identical']} of {kills['completed']} completed commands left the bytes of an unbroken run")


def goal_rows(r: Results):
    kills, texts, actions = (r.checks[name] for name in ("kills", "text_kills", "actions"))
    stops, locks, chain = (r.checks[name] for name in ("interrupts", "locks", "rank_chain"))
    yield "A1 bit flips", "fault/damage", f"small store: {r.printed('damage', 'noticed, 0 wrong reads')}; 32 KiB: {r.printed('damage', 'flips, all noticed')}"
    yield "A2 truncation, A3 zero and garbage tails", "fault/damage", r.printed("damage", "lengths of each file")
    yield "A7 un-synced data forgotten", "fault/io_failures", r.printed("io_failures", "power cuts")
    yield "A8 each call fails", "fault/io_failures", f"{r.printed('io_failures', 'ended with an error')}; resumed: {r.printed('io_failures', '^[0-9]+ runs$')}"
    yield "A8, through the commands", "fault/actions", (
        f"{actions['calls_failed']} failing calls, one clear error and sound after running again: "
        f"{actions['sound_after_running_again']}; half writes gone on with: {actions['half_writes']}; turned bits named by "
        f"verify: {actions['turned_bits_named']}")
    yield "B1 the store's writers killed", "fault/failpoints", f"{r.printed('failpoints', 'runs,')}; {r.printed('failpoints', 'kills in')}"
    yield "B1 commands killed", "fault/kills", kills_text(kills)
    yield "B2 kill chains", "fault/kills", f"{kills['chains']} of two to {kills['deepest_chain']} kills in a row"
    yield "B3 told to stop", "fault/interrupts", (
        f"{stops['stops']} stops by signal or time limit, the slowest end after {stops['slowest_end_s']} s; {stops['acknowledged']} "
        f"blocks acknowledged, {stops['lost']} lost; resumed to the same bytes: {stops['resumed_identical']}")
    yield "B4 a rank dies", "fault/text_kills", (
        f"{texts['kills']} kills of coordinator, shard and decoder while texts are written or asked; the job ended "
        f"{texts['slowest_end_s']} s later at the latest, no process left, memory unchanged")
    yield "B10 two jobs, and folders that cannot be written", "fault/locks", (
        f"{locks['refused']} commands refused with one clear error, {locks['taken_over']} dead job's lock taken over; folder "
        f"unchanged by hash in {locks['unchanged']}")
    yield "B11 other numbers of ranks", "fault/rank_chain", (
        f"asked on {', '.join(map(str, chain['asked_on']))} ranks: {chain['equal_answers']} answers bitwise those of one rank; two "
        f"ingests killed on {', '.join(map(str, chain['ingest_killed_on'][:5]))} ranks, ended on 1; {chain['identical']} folders "
        "byte-identical")


def goals_table(results: Results) -> dict:
    rows = [[goal, f"`ctest -R {test}`", text] for goal, test, text in goal_rows(results)]
    return {"columns": ["goal", "checked by", "what it printed"], "rows": rows}


def speed_table(results: Results) -> dict:
    text, codes, first = (results.checks[name] for name in ("durability_text", "durability_codes", "first_answer"))
    return {"columns": ["what", "seconds", "against"], "rows": [
        [f"`ingest` of {text['bytes']:,} bytes of text, one rank", text["synced_s"],
         f"{text['percent_over_run']:+} % against the ingest of `run` ({text['run_s']} s), {text['percent_over_unsynced']:+} % against "
         f"no fsync ({text['unsynced_s']} s)"],
        [f"`ingest` of {codes['codes']:,} codes, {codes['bytes']:,} bytes", codes["synced_s"],
         f"{codes['percent_over_unsynced']:+} % against no fsync ({codes['unsynced_s']} s)"],
        [f"`ask --keys`, first answer of {first['segments']:,} segments, one rank", first["one_rank_s"],
         f"of it {first['start_alone_s']} s to start the program"],
        ["the same on two ranks", first["two_ranks_s"], "with mpirun"]]}


def main(arguments: list[str]) -> int:
    if len(arguments) != 2 or arguments[0] not in ("goals", "speed"):
        print(__doc__, file=sys.stderr)
        return 2
    results = Results(pathlib.Path(arguments[1]))
    json.dump(goals_table(results) if arguments[0] == "goals" else speed_table(results), sys.stdout, indent=1, ensure_ascii=False)
    print()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except FileNotFoundError as error:
        print(f"make_reliability.py: {error}", file=sys.stderr)
        sys.exit(66)
    except KeyError as error:
        print(f"make_reliability.py: {error} is not there; run tools/measure.sh DATA OUT reliability", file=sys.stderr)
        sys.exit(65)
