#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: first the optimised build, then the parts without LibTorch under
# the address and undefined-behaviour sanitizers, then what talks MPI with two other MPI libraries. The last line reads:
# N passed, N failed, N skipped.
#
# usage: launch/test.sh [--full]
#   --full   with the tests labelled `long`, and those labelled `slow` under the sanitizers too; sets LARIMAR_FULL_TESTS=1
# LARIMAR_JOBS: parallel jobs (default: all cores). Needs no terminal and reads no standard input.
# exit codes: 0 all passed, 1 a test failed or none ran; codes of install.sh and build.sh where these fail
set -euo pipefail
source "$(dirname "$0")/common.sh"
exec </dev/null

full=no
for argument in "$@"; do
  case $argument in
    --full) full=yes ;;
    -h | --help) show_help; exit 0 ;;
    *) die 2 "unknown argument '$argument'; see launch/test.sh --help" ;;
  esac
done

release_labels=(-LE '^long$')
asan_labels=(-LE '^(long|slow|gpu)$')
if [[ $full == yes ]]; then
  export LARIMAR_FULL_TESTS=1
  release_labels=()
  asan_labels=()
fi

cd "$root"
reports=()
status=0
# run_suite PRESET CTEST-ARGUMENT...: a failed test does not stop the script, the count at the end tells.
run_suite() {
  local preset=$1 report=$root/build/$1/tests.xml
  shift
  launch/build.sh "$preset"
  rm -f "$report"
  say "testing build/$preset"
  ctest --preset "$preset" --parallel "$jobs" --no-tests=error --output-junit "$report" "$@" || status=1
  reports+=("$report")
}

launch/install.sh --tests
run_suite release "${release_labels[@]}"
run_suite asan "${asan_labels[@]}"
if [[ -x $deps/openmpi5/bin/mpicxx ]]; then
  run_suite openmpi5 -L '^mpi$'
else
  say "LARIMAR SKIPPED: the tests with Open MPI 5, which launch/install.sh --tests could not put into $deps/openmpi5"
fi
if command -v mpicxx.mpich >/dev/null; then
  run_suite mpich -L '^mpi$'
else
  say "LARIMAR SKIPPED: the tests with MPICH; the packages mpich and libmpich-dev are missing"
fi
tools/count_tests.py "${reports[@]}" || status=1
exit "$status"
