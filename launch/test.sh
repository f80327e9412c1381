#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test: the optimised build, what talks MPI with two other MPI libraries, clusters
# (Slurm, hosts, ranks that die), then the parts without LibTorch under the address and undefined-behaviour sanitizers.
# The last line reads: N passed, N failed, N skipped.
#
# usage: launch/test.sh [--full]
#   --full   with the tests labelled `long`, those labelled `slow` under the sanitizers too, and those of clusters in their long
#            forms; sets LARIMAR_FULL_TESTS=1
# A test of clusters that fails is tried once more: it times real programs on a machine that may be busy with others.
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

release_labels=(-LE '^(long|cluster)$')
asan_labels=(-LE '^(long|slow|gpu)$')
if [[ $full == yes ]]; then
  export LARIMAR_FULL_TESTS=1
  release_labels=(-LE '^cluster$')
  asan_labels=(-LE '^cluster$')
fi

cd "$root"
reports=()
status=0
# run_suite NAME PRESET CTEST-ARGUMENT...: a failed test does not stop the script, the count at the end tells.
run_suite() {
  local preset=$2 report=$root/build/$2/$1.xml
  shift 2
  launch/build.sh "$preset"
  rm -f "$report"
  say "testing build/$preset"
  ctest --preset "$preset" --parallel "$jobs" --no-tests=error --output-junit "$report" "$@" || status=1
  reports+=("$report")
}

launch/install.sh --tests
run_suite tests release "${release_labels[@]}"
for other in openmpi5 mpich; do
  mpicxx=$deps/openmpi5/bin/mpicxx
  [[ $other == openmpi5 ]] || mpicxx=mpicxx.mpich
  if command -v "$mpicxx" >/dev/null; then
    run_suite tests "$other" -L '^mpi$'
  else
    say "LARIMAR SKIPPED: the tests with $other; launch/install.sh --tests could not install it"
  fi
done
run_suite clusters release -L '^cluster$' --repeat until-pass:2
run_suite tests asan "${asan_labels[@]}"
tools/count_tests.py "${reports[@]}" || status=1
exit "$status"
