# Shared by the scripts of this folder; sourced, never run. Sets root, deps and jobs, and the environment of MPI programs.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
deps=${LARIMAR_DEPS:-$root/.deps}
case $deps in /*) ;; *) deps=$PWD/$deps ;; esac
export LARIMAR_DEPS=$deps

say() { printf '%s: %s\n' "${0##*/}" "$*"; }
# die CODE SENTENCE: the codes are those of the program (docs/cli.md).
die() {
  local code=$1
  shift
  printf '%s: error: %s\n' "${0##*/}" "$*" >&2
  exit "$code"
}
# The comment block at the head of the script is its help text.
show_help() { awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$0"; }

jobs=${LARIMAR_JOBS:-$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)}  # nproc would heed the threads of a rank
[[ $jobs =~ ^[1-9][0-9]*$ ]] || die 2 "LARIMAR_JOBS is '$jobs'; give a number of parallel jobs, for example 2"

# The compiler cache also serves clones in other folders.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
if [[ ! -w ${HOME:-/nonexistent} ]]; then
  export CCACHE_DIR=${CCACHE_DIR:-$deps/ccache}
fi
# Ranks share cores here, so they must not spin while they wait.
export OMPI_MCA_mpi_yield_when_idle=1 OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} OMP_WAIT_POLICY=passive
if ((EUID == 0)); then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
