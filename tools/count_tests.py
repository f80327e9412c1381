#!/usr/bin/env python3
"""Add up the JUnit files that ctest wrote and print one line: N passed, N failed, N skipped.

usage: count_tests.py FILE.xml...
A test that could not be started counts as failed; one that skipped itself or is disabled counts as skipped.
Exit code 0 if at least one passed and none failed, else 1.
"""
import collections
import sys
import xml.etree.ElementTree as ElementTree


def verdict(case: ElementTree.Element) -> str:
    status = case.get("status")
    if status == "run":
        return "passed"
    skipped = case.find("skipped")
    skipped_itself = skipped is not None and skipped.get("message", "").startswith("SKIP_")
    return "skipped" if status == "disabled" or skipped_itself else "failed"


def count(paths: list[str]) -> tuple[collections.Counter, list[str]]:
    total, troubles = collections.Counter(), []
    for path in paths:
        try:
            cases = list(ElementTree.parse(path).iter("testcase"))
        except (OSError, ElementTree.ParseError) as error:
            troubles.append(f"{path} cannot be read ({error})")
            continue
        if not cases:
            troubles.append(f"{path} holds no test")
        for case in cases:
            total[verdict(case)] += 1
            if verdict(case) == "failed":
                troubles.append(f"failed: {case.get('name')}")
    return total, troubles


def main() -> int:
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        print(__doc__)
        return 0 if "--help" in sys.argv else 2
    total, troubles = count(sys.argv[1:])
    for trouble in troubles:
        print(trouble)
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 0 if total["passed"] > 0 and not troubles else 1


if __name__ == "__main__":
    sys.exit(main())
