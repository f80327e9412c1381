#!/usr/bin/env python3
"""From what the tests of dying ranks printed (LARIMAR_FAULT_RESULTS) to the table of docs/clusters.md.

usage: make_table.py RESULTS.jsonl > docs/data/cluster-deaths.json
"""
import json
import sys


def words(counts: dict) -> str:
    return ", ".join(f"{value} {name}" for name, value in counts.items())


def times(counts: dict) -> str:
    parts = []
    for name, value in counts.items():
        if name.endswith("_seconds") and isinstance(value, dict):
            parts.append(f"{name.removesuffix('_seconds').replace('_', ' ')} {value['median']} s, at most {value['most']} s ({value['of']} times)")
    return "; ".join(parts)


def rows_of(found: dict) -> list[list]:
    rows = []
    if c := found.get("deaths_survived"):
        rows.append(["one rank dies, with ULFM", "deaths/survived",
                     f"{c['deaths']} deaths ({words(c['by_role'])}; {words(c['by_phase'])}), {c['hangs']} hangs; same answers, same bytes"])
        rows.append(["how long that takes", "deaths/survived", times(c)])
    if c := found.get("deaths_recovery"):
        rows.append(["several die, or one during the recovery", "deaths/recovery",
                     f"{c['deaths_in_groups']} deaths in {c['groups']} jobs, {c.get('hangs', 0)} hangs; same answers"])
        rows.append(["SIGKILL at random times", "deaths/recovery",
                     f"{c['random_kills']} kills, seed {c['seed']}, {c['random_kills_in_run_json']} before the work was done; {times(c)}"])
        rows.append(["`--on-loss degrade` and `end`", "deaths/recovery",
                     f"{c['degraded']} answered without the dead rank's segments and said which; {c['ended']} ended with one sentence"])
    if c := found.get("deaths_ended"):
        rows.append(["one rank dies, without ULFM", "deaths/ended",
                     f"{c['deaths']} deaths, {c.get('hangs', 0)} hangs; the slowest job ended {c['slowest_end_seconds']} s later"])
    if c := found.get("errors_thrown"):
        rows.append(["one rank alone throws", "deaths/thrown",
                     f"{c['thrown']} errors at {c['sites']} places ({c.get('with_ulfm', 0)} with ULFM), {c.get('hangs', 0)} hangs; "
                     f"one sentence and the right code each; start to end at most {c['slowest_start_to_end_seconds']} s"])
    if c := found.get("ranks_stopped"):
        rows.append(["a rank is stopped (SIGSTOP)", "deaths/silent",
                     f"{c['stopped']} times ({c.get('with_ulfm', 0)} with ULFM), {c.get('hangs', 0)} hangs; named as silent, not dead; "
                     f"{c['went_on']} let go on in time"])
    return rows


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with open(sys.argv[1], encoding="utf-8") as file:
        found = {line["check"]: line for line in map(json.loads, file)}
    print(json.dumps({"columns": ["what", "`ctest -R cluster/...`", "what it printed"], "rows": rows_of(found)}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
