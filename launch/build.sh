#!/usr/bin/env bash
# Configures and builds build/PRESET (default: release; the program is then build/release/larimar).
#
# usage: launch/build.sh [release|debug|asan|openmpi5|mpich] [CMAKE ARGUMENT...]
# openmpi5 and mpich: the same with another MPI than the machine's first one, and only the tests that talk MPI.
# LARIMAR_JOBS: parallel jobs (default: all cores). LARIMAR_DEPS: the folder that launch/install.sh filled.
# exit codes: 0 built, 2 usage, 70 the build failed, 78 it could not be configured
set -euo pipefail
source "$(dirname "$0")/common.sh"

preset=release
case ${1:-} in
  -h | --help) show_help; exit 0 ;;
  release | debug | asan | openmpi5 | mpich) preset=$1; shift ;;
  '' | -D*) ;;
  *) die 2 "unknown preset '$1'; choose release, debug, asan, openmpi5 or mpich" ;;
esac

cd "$root"
command -v cmake >/dev/null && command -v ninja >/dev/null || die 78 "cmake or ninja is missing; run launch/install.sh first"
say "configuring build/$preset"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! cmake --preset "$preset" -DLARIMAR_DEPS="$deps" "$@" >"$log" 2>&1; then
  cat "$log" >&2
  die 78 "the configuration failed (see above); run launch/install.sh, and remove build/$preset if it comes from another folder"
fi
say "building with $jobs jobs"
NINJA_STATUS='[%f/%t] ' cmake --build --preset "$preset" --parallel "$jobs" ||
  die 70 "the build of preset $preset failed (see above)"
