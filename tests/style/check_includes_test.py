#!/usr/bin/env python3
"""Feeds tools/check_includes.py a tree with one fault per rule and a sound tree. Usage: check_includes_test.py REPOSITORY"""
import pathlib
import re
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
REPOSITORY = pathlib.Path(sys.argv.pop(1)).resolve()
sys.path.insert(0, str(REPOSITORY / "tools"))
import check_includes  # noqa: E402

ONCE = "#pragma once\n"
SOUND = {
    "common/base/error.h": ONCE + "#include <string>\n",
    "common/linalg/matrix.h": ONCE + "#include <Eigen/Core>\n",
    "common/linalg/dot.cc": '#include "common/linalg/dot.inc"\n',
    "common/linalg/dot.inc": "int dot();\n",
    "common/text/tokens.h": ONCE,
    "common/comm/transport.h": ONCE + '#include "common/base/error.h"\n',
    "common/comm/transport.cc": '#include "common/comm/transport.h"\n\n#include <mpi.h>\n',
    "common/wire/header.h": ONCE,
    "common/wire/convert.cc": '#include "common/wire/header.h"\n#include "larimar.pb.h"\n',
    "common/model/network.h": ONCE + '#include <torch/torch.h>\n#include "common/linalg/matrix.h"\n',
    "shard/store.h": ONCE + '#include "common/linalg/matrix.h"\n#include "shard/internal/index.h"\n',
    "shard/internal/index.h": ONCE,
    "coordinator/plan.h": ONCE,
    "decoder/generator.h": ONCE,
    "decoder/generator.cc": '#include "decoder/generator.h"\n#include "common/model/network.h"\n',
    "train/loop.cc": '#include <torch/torch.h>\n#include "common/model/network.h"\n',
    "eval/grid.h": ONCE,
    "launch/main.cc": '#include "shard/store.h"\n#include "decoder/generator.h"\n#include "larimar.pb.h"\n#include "eval/grid.h"\n',
    "tests/unit/shard/store_test.cc": '#include <gtest/gtest.h>\n#include "shard/internal/index.h"\n#include "launch/config.h"\n',
    "launch/config.h": ONCE,
}


def fault(text: str, header: bool = False) -> str:
    return (ONCE if header else "") + text + "\n"


# (rule, file, its text): each put alone into the sound tree.
FAULTS = [
    ("layer", "common/base/x.cc", fault('#include "common/linalg/matrix.h"')),
    ("layer", "common/linalg/x.cc", fault('#include "common/text/tokens.h"')),
    ("layer", "common/comm/x.cc", fault('#include "common/wire/header.h"')),
    ("layer", "common/wire/x.cc", fault('#include "common/comm/transport.h"')),
    ("layer", "common/text/x.cc", fault('#include "common/linalg/matrix.h"')),
    ("layer", "common/model/x.cc", fault('#include "common/comm/transport.h"')),
    ("layer", "common/base/x.cc", fault('#include "shard/store.h"')),
    ("layer", "shard/x.cc", fault('#include "coordinator/plan.h"')),
    ("layer", "coordinator/x.cc", fault('#include "decoder/generator.h"')),
    ("layer", "decoder/x.cc", fault('#include "shard/store.h"')),
    ("layer", "train/x.cc", fault('#include "decoder/generator.h"')),
    ("layer", "eval/x.cc", fault('#include "launch/config.h"')),
    ("layer", "launch/x.cc", fault('#include "tests/support/x.h"')),
    ("third-party", "shard/x.cc", fault("#include <mpi.h>")),
    ("third-party", "launch/x.cc", fault("#include <nccl.h>")),
    ("third-party", "shard/x.cc", fault("#include <torch/torch.h>")),
    ("third-party", "eval/x.cc", fault("#include <c10/core/Device.h>")),
    ("third-party", "tests/unit/shard/x.cc", fault("#include <torch/torch.h>")),
    ("third-party", "common/text/x.cc", fault("#include <Eigen/Dense>")),
    ("third-party", "common/wire/x.h", fault('#include "larimar.pb.h"', header=True)),
    ("third-party", "coordinator/x.cc", fault('#include "larimar.pb.h"')),
    ("third-party", "shard/x.cc", fault("#include <gtest/gtest.h>")),
    ("third-party", "tests/unit/shard/x.cc", fault("#include <benchmark/benchmark.h>")),
    ("public-header", "decoder/x.h", fault("#include <torch/torch.h>", header=True)),
    ("public-header", "decoder/x.h", fault('#include "common/model/network.h"', header=True)),
    ("internal", "launch/x.cc", fault('#include "shard/internal/index.h"')),
    ("layer", "common/base/x.inc", fault('#include "common/linalg/matrix.h"')),
    ("pragma", "shard/x.h", fault("#include <string>")),
    ("own-header", "shard/store.cc", fault('#include <string>\n#include "shard/store.h"')),
    ("unresolved", "shard/x.cc", fault('#include "store.h"')),
    ("source", "shard/x.cc", fault('#include "common/comm/transport.cc"')),
    ("place", "helpers/x.cc", fault("#include <string>")),
    ("length", "shard/x.cc", "\n" * 401),
    ("length", "tools/x.py", "\n" * 401),
]


class CheckIncludes(unittest.TestCase):
    def findings(self, files: dict[str, str]):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            return check_includes.check(check_includes.Tree(root))

    def test_sound_tree_has_no_findings(self):
        self.assertEqual(self.findings(SOUND), [])

    def test_a_file_of_the_longest_allowed_length_passes(self):
        self.assertEqual(self.findings(SOUND | {"shard/x.cc": "\n" * 400}), [])

    def test_each_fault_is_found_and_nothing_else(self):
        support = {"tests/support/x.h": ONCE}
        for rule, name, text in FAULTS:
            with self.subTest(rule=rule, file=name, text=text[:60]):
                found = [(finding[0], finding[1]) for finding in self.findings(SOUND | support | {name: text})]
                self.assertEqual(found, [(name, rule)])

    def test_every_rule_has_a_fault(self):
        rules = set(re.findall(r'yield "([a-z-]+)"', pathlib.Path(check_includes.__file__).read_text(encoding="utf-8")))
        self.assertEqual(rules | {"length"}, {rule for rule, _, _ in FAULTS})

    def test_headers_that_reach_torch_are_known(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {"a/x.h": '#include "a/y.h"\n', "a/y.h": "#include <torch/torch.h>\n", "a/z.h": "#include <string>\n"}.items():
                (root / name).parent.mkdir(exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            tree = check_includes.Tree(root)
            torch = [name for name in tree.headers() if any(check_includes.is_third_party("LibTorch", path) for path in tree.reached(name))]
            self.assertEqual(torch, ["a/x.h", "a/y.h"])


if __name__ == "__main__":
    unittest.main()
