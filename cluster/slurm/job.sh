#!/usr/bin/env bash
# The body of the batch jobs of this folder: checks every node, starts larimar on all tasks, and asks for another turn where that helps.
#
# usage, within a batch job: job.sh COMMAND ARGUMENT...      (what comes after `larimar` on a command line)
#   ends with larimar's exit code, so that Slurm shows COMPLETED or FAILED as it was
#   signal USR1 (sbatch --signal=B:USR1@SECONDS) goes to the ranks: ingest, append and eval end with 75, what is done is on disk
#   the job is requeued after 75, and when a node of it no longer answers at the end
# environment
#   LARIMAR_HOME           folder with this repository; default: where sbatch was called
#   LARIMAR_PROGRAM        default: build/release/larimar in LARIMAR_HOME
#   LARIMAR_LAUNCHER       mpirun (default), or srun, which starts the ranks by --mpi=pmix
#   LARIMAR_LAUNCHER_FLAGS further options of either, for example "--mca btl_tcp_if_include 10.0.0.0/8"
#   LARIMAR_BIND_FLAGS     in place of one core for each thread of a rank, for example "--bind-to none"
#   LARIMAR_MAX_RESTARTS   how often a job may come again (100)
set -uo pipefail

min_tmp_mb=64 # Open MPI keeps up to 10 MiB there for four ranks, and its words when it cannot do not name the folder
name=${0##*/}
say() { printf '%s: %s\n' "$name" "$*"; }
die() {
  local code=$1
  shift
  printf '%s: error: %s\n' "$name" "$*" >&2
  exit "$code"
}

# Runs on each node. What it finds missing would otherwise end in a message of Open MPI that does not name it.
check_node() {
  local tmp=${TMPDIR:-/tmp} here free
  here="node ${SLURMD_NODENAME:-$(hostname)}"
  [[ -x $program ]] || die 78 "$here: $program is not there or cannot be run; build it on a file system that every node sees, or set LARIMAR_PROGRAM"
  [[ -d $tmp && -w $tmp ]] || die 78 "$here: TMPDIR is $tmp, which is no folder that can be written; set TMPDIR to one that exists on every node"
  free=$(df -Pk "$tmp" | awk 'NR == 2 { print int($4 / 1024) }')
  ((free >= min_tmp_mb)) || die 78 "$here: $tmp has $free MiB free, MPI should find $min_tmp_mb; remove files there, or set TMPDIR to another folder"
}

on_every_node() {
  timeout 120 srun --mpi=none --overlap --nodes="$SLURM_JOB_NUM_NODES" --ntasks="$SLURM_JOB_NUM_NODES" --ntasks-per-node=1 \
    --cpus-per-task=1 "$@"
}

# Ends this run of the job. Slurm starts the same script again, by default two minutes later.
again() {
  local code=$1 why=$2 restarts=${SLURM_RESTART_COUNT:-0} state
  # Slurm itself takes a job back whose node it has found dead, and ends what is left of it, such as this script.
  state=$(scontrol -o show job "$job" 2>/dev/null | grep -o 'JobState=[A-Z_]*')
  if [[ -n $state && $state != JobState=RUNNING ]]; then
    say "Slurm has ended this turn of job $job already (${state#*=})"
    exit "$code"
  fi
  ((restarts < ${LARIMAR_MAX_RESTARTS:-100})) || die "$code" "$why, but the job has come $restarts times already; see LARIMAR_MAX_RESTARTS in $name"
  say "$why; requeueing job $job, restart $((restarts + 1))"
  scontrol requeue "$job" || die "$code" "job $job cannot be requeued; submit the same command again, it goes on"
  exit "$code"
}

[[ -n ${SLURM_JOB_ID:-} ]] || die 78 "this is the body of a batch job; start it with launch/larimar-submit or sbatch, see cluster/README.md"
# The last task of an array has the number of the whole array, too.
job=$SLURM_JOB_ID
[[ -z ${SLURM_ARRAY_TASK_ID:-} ]] || job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
program=${LARIMAR_PROGRAM:-${LARIMAR_HOME:-$SLURM_SUBMIT_DIR}/build/release/larimar}
if [[ ${1:-} == --check-node ]]; then
  check_node
  exit 0
fi
(($# > 0)) || die 2 "what shall larimar do? Give a command, for example: ingest --memory DIR --context PATH"
on_every_node "${BASH_SOURCE[0]}" --check-node
case $? in
  0) ;;
  78) exit 78 ;;
  *) again 70 "a node of $SLURM_JOB_NODELIST does not answer" ;;
esac

threads=${SLURM_CPUS_PER_TASK:-1}
export OMP_NUM_THREADS=$threads OMP_WAIT_POLICY=passive
if ((EUID == 0)); then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

read -ra flags <<<"${LARIMAR_LAUNCHER_FLAGS:-}"
case ${LARIMAR_LAUNCHER:-mpirun} in
  mpirun)
    read -ra bind <<<"${LARIMAR_BIND_FLAGS:---map-by slot:PE=$threads --bind-to core}"
    launch=(mpirun -n "${SLURM_NTASKS:-1}" "${bind[@]}" "${flags[@]}") ;; # hosts and slots come from the allocation
  srun)
    # Without --wait the others would sit there for as long as their patience lasts once a rank is gone.
    read -ra bind <<<"${LARIMAR_BIND_FLAGS:---cpu-bind=cores}"
    launch=(srun --mpi=pmix --wait=30 --ntasks="${SLURM_NTASKS:-1}" --cpus-per-task="$threads" "${bind[@]}" "${flags[@]}") ;;
  *) die 2 "LARIMAR_LAUNCHER is '$LARIMAR_LAUNCHER'; use mpirun or srun" ;;
esac
goes_on=no
case $1 in
  ingest | append) goes_on=yes ;;
  run | ask | update | forget) ;;
  eval)
    case ${2:-} in
      merge | reconstruct | validate | import | export | capacity | model) launch=() ;;
      *) goes_on=yes ;;
    esac ;;
  *) launch=() ;; # one process without MPI, whatever the allocation
esac

say "job $job, restart ${SLURM_RESTART_COUNT:-0}, nodes $SLURM_JOB_NODELIST: ${launch[*]:-one process} larimar $1"
"${launch[@]}" "$program" "$@" &
started=$!
tell() {
  if [[ $goes_on == yes ]]; then
    say "the time limit is near: telling the ranks to stop"
    kill -USR1 "$started"
  else
    say "the time limit is near; larimar $1 cannot be gone on with later, so it keeps what time there is"
  fi
}
trap 'tell "$1"' USR1
trap 'kill -TERM "$started"' TERM
# A trap ends the wait before larimar has ended.
while wait "$started"; code=$?; kill -0 "$started" 2>/dev/null; do :; done
wait "$started" # if it ended just after the trap, the code above is the trap's
code=$?
# mpirun of Open MPI 5.0 ends with 0 although a node of its was lost.
if ((code == 0)); then
  [[ ${launch[0]:-} != mpirun || $SLURM_JOB_NUM_NODES == 1 ]] || on_every_node true || again 70 "a node of $SLURM_JOB_NODELIST does not answer"
  exit 0
fi
((code != 75)) || again 75 "larimar $1 stopped before its end"
say "larimar $1 ended with $code; asking the nodes whether they are all there"
on_every_node true || again "$code" "a node of $SLURM_JOB_NODELIST does not answer"
exit "$code"
