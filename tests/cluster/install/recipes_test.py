#!/usr/bin/env python3
"""The recipes for Spack, environment modules and Apptainer, linted: their syntax, and that they name what there is. None of the
three programs runs here."""
import ast
import pathlib
import re
import shutil
import subprocess
import unittest

import launches  # noqa: F401  finds harness
import harness
from launches import skip_loudly

SECTIONS = {"files", "post", "environment", "runscript", "test", "labels", "help", "setup", "startscript", "arguments", "appfiles"}
# Spack's names of what cmake/LarimarDependencies.cmake looks for.
SPACK_NAMES = {"MPI": "mpi", "Eigen3": "eigen", "Protobuf": "protobuf", "openblas": "openblas", "libutf8proc": "utf8proc", "libzstd": "zstd",
               "libxxhash": "xxhash", "xapian-core": "xapian-core", "hwloc": "hwloc", "nlohmann_json": "nlohmann-json", "spdlog": "spdlog",
               "CLI11": "cli11", "libhwy": "highway", "yaml-cpp": "yaml-cpp"}


class Recipes(unittest.TestCase):
    def text(self, name: str) -> str:
        return (harness.settings.source / "cluster" / name).read_text(encoding="utf-8")

    def options_of_cmake(self) -> set[str]:
        text = (harness.settings.source / "cmake" / "LarimarOptions.cmake").read_text(encoding="utf-8")
        return set(re.findall(r"(?:option|set)\((LARIMAR_[A-Z_]+)", text))

    def test_spack(self):
        tree = ast.parse(self.text("spack/package.py"))
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        self.assertEqual([node.name for node in classes], ["Larimar"])
        self.assertEqual([base.id for base in classes[0].bases], ["CMakePackage"])
        calls = [node for node in ast.walk(classes[0]) if isinstance(node, ast.Call)]
        directives = [(call.func.id, call.args[0].value) for call in calls if isinstance(call.func, ast.Name) and call.args
                      and isinstance(call.args[0], ast.Constant)]
        needed = {re.split("[@ :+%]", value)[0] for name, value in directives if name == "depends_on"}
        found = (harness.settings.source / "cmake" / "LarimarDependencies.cmake").read_text(encoding="utf-8")
        found += (harness.settings.source / "cmake" / "LarimarMpi.cmake").read_text(encoding="utf-8")
        for name in re.findall(r"find_package\((\w[\w-]*)|IMPORTED_TARGET ([\w-]+)", found):
            name = name[0] or name[1]
            if name in {"Threads", "PkgConfig", "LibTorch"}:
                continue
            self.assertIn(SPACK_NAMES[name], needed, f"cluster/spack/package.py does not depend on {name}")
        defined = {call.args[0].value for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr.startswith("define")}
        self.assertLessEqual(defined, self.options_of_cmake())

    def test_lua_module(self):
        text = self.text("modules/larimar.lua")
        compiler = next(filter(None, map(shutil.which, ("luac", "luac5.4", "luac5.3", "luac5.1", "texluac"))), None)
        if compiler is None:
            skip_loudly("the syntax of larimar.lua: there is no luac")
        done = subprocess.run([compiler, "-p", "-"], input=text, capture_output=True, text=True, check=False, timeout=20)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_both_modules_set_the_same(self):
        lua, tcl = self.text("modules/larimar.lua"), self.text("modules/larimar")
        self.assertTrue(tcl.startswith("#%Module"))
        from_lua = set(re.findall(r'^(?:setenv|prepend_path)\("(\w+)"', lua, re.M))
        from_tcl = set(re.findall(r"^(?:setenv|prepend-path) (\w+)", tcl, re.M))
        self.assertEqual(from_lua, from_tcl)
        self.assertIn("LARIMAR_DEPS", from_lua)

    def test_tcl_module(self):
        if shutil.which("tclsh") is None:
            skip_loudly("the syntax of the Tcl module: there is no tclsh")
        stubs = "proc module-whatis a {}\nproc conflict a {}\nproc prereq a {}\nproc prepend-path {a b} {}\nproc setenv {a b} {puts $a}\n"
        done = subprocess.run(["tclsh"], input=stubs + self.text("modules/larimar"), capture_output=True, text=True, check=False, timeout=20)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("LARIMAR_HOME", done.stdout)

    def test_apptainer(self):
        text = self.text("apptainer/larimar.def")
        sections = re.findall(r"^%(\w+)", text, re.M)
        self.assertLessEqual(set(sections), SECTIONS)
        self.assertEqual(text.count("\nBootstrap: "), 2)
        for name in ("post", "environment", "runscript", "test"):
            self.assertIn(name, sections)
        for part in re.findall(r"^%(?:post|environment|runscript|test)\n(.*?)(?=^%|^Bootstrap|\Z)", text, re.M | re.S):
            done = subprocess.run(["sh", "-n"], input=part, capture_output=True, text=True, check=False, timeout=20)
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    harness.main()
