#!/usr/bin/env bash
# Runs the measurements of docs/results.md and puts their numbers there.
#
# usage: tools/measure.sh DATA OUT [model|passkey|passkey-1m|everyday|unseen|capacity|scope|memory|reliability|docs] ...
#   DATA  a folder with haystack/, train/, valid/ and eval/facts/
#   OUT   where results go; what is there already is not asked again
# reliability, the long forms of the fault tests and the speed of memories (docs/reliability.md), needs the tests built.
# Without names it runs all of them, then `docs`, which rewrites docs/data and the tables from what OUT holds.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
(($# >= 2)) || { sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2; }
data=$1 out=$2
shift 2
(($# > 0)) || set -- model passkey passkey-1m everyday unseen capacity scope memory reliability docs
larimar=$root/build/release/larimar
export OMPI_MCA_mpi_yield_when_idle=1 OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
[[ $(id -u) != 0 ]] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
on_four() { mpirun -n 4 --oversubscribe --bind-to none "$larimar" eval "$@" </dev/null; }
kinds=3,4,5,7,16,uuid,san_francisco
needles=$root/eval/needles
mkdir -p "$out" "$root/docs/data"

run_reliability() {
  local into=$out/reliability test script
  mkdir -p "$into"
  rm -f "$into/checks.jsonl"
  export LARIMAR_FAULT_RESULTS=$into/checks.jsonl LARIMAR_FAULT_ROUNDS=${LARIMAR_FAULT_ROUNDS:-300}
  for test in damage io_failures failpoints; do
    "$root/build/release/tests/fault/test_fault_$test" >"$into/$test.txt"
  done
  for script in tests/fault/{kill_driver,text_kills_test,actions_test,interrupt_test,locks_test,chain_test}.py bench/memory_speed.py; do
    python3 "$root/$script" "$larimar" mpirun "$root"
  done
}

# docs/models.md, from files that bench/compare_families.py, tools/check_tokenizers.py and bench/full_size_larimar.py wrote
make_model_docs() {
  local names=() scratch
  scratch=$(mktemp -d)
  for table in families tokenizers full-size; do
    [[ -s $root/docs/data/$table.json ]] || continue
    python3 "$root/tools/make_model_tables.py" $table "$root/docs/data/$table.json" >"$scratch/$table.json"
    names+=("${table//-/_}=$scratch/$table.json")
  done
  ((${#names[@]} == 0)) || python3 "$root/tools/results_to_docs.py" --docs "$root/docs/models.md" "${names[@]}"
  rm -r "$scratch"
}

make_docs() {
  local names=() jobs=()
  make_model_docs
  if [[ -s $out/model/model.json ]]; then
    python3 "$root/tools/make_tables.py" model "$out/model/model.json" >"$root/docs/data/model.json"
    names+=("model=$root/docs/data/model.json")
    python3 "$root/tools/results_to_docs.py" --docs "$root/models/larimar-compact/MODEL_CARD.md" "${names[@]}"
  fi
  for run in passkey passkey-1m everyday unseen; do
    [[ -s $out/$run/summary.json ]] || continue
    cp "$out/$run/summary.json" "$root/docs/data/$run.json"
    names+=("${run//-/_}=$root/docs/data/$run.json")
    [[ $run == everyday* || $run == unseen* ]] || jobs+=("$run=$out/$run/first_job.json")
  done
  for run in scope memory; do
    [[ -s $out/$run/$run.json ]] || continue
    cp "$out/$run/$run.json" "$root/docs/data/$run.json"
    names+=("$run=$root/docs/data/$run.json")
  done
  if ((${#jobs[@]} > 0)); then
    python3 "$root/tools/make_tables.py" cost "${jobs[@]}" >"$root/docs/data/cost.json"
    names+=("cost=$root/docs/data/cost.json")
  fi
  if [[ -s $out/capacity/capacity.json ]]; then
    for table in capacity forgetting; do
      python3 "$root/tools/make_tables.py" $table "$out/capacity/capacity.json" >"$root/docs/data/$table.json"
      names+=("$table=$root/docs/data/$table.json")
    done
    cp "$out"/capacity/capacity-*.svg "$root/docs/data/"
  fi
  ((${#names[@]} == 0)) || python3 "$root/tools/results_to_docs.py" --docs "$root/docs/results.md" "${names[@]}"
  if [[ -s $out/reliability/checks.jsonl ]]; then
    names=()
    for table in goals speed; do
      python3 "$root/tools/make_reliability.py" $table "$out/reliability" >"$root/docs/data/reliability-$table.json"
      names+=("$table=$root/docs/data/reliability-$table.json")
    done
    python3 "$root/tools/results_to_docs.py" --docs "$root/docs/reliability.md" "${names[@]}"
  fi
}

for name in "$@"; do
  case $name in
    model) "$larimar" eval model --data "$data/valid" --out "$out/model" ;;
    passkey)
      on_four passkey --haystack "$data/haystack" --digits $kinds --depth-count 50 --key-modes prefix,segment \
        --forms prefix,question --out "$out/passkey" ;;
    passkey-1m)
      on_four passkey --haystack "$data/haystack" --filler "$data/train" --lengths 1000000 --digits $kinds --depth-count 20 \
        --key-modes segment --forms prefix,question --out "$out/passkey-1m" ;;
    everyday) on_four needles --needles "$needles/everyday.jsonl" --haystack "$data/haystack" --key-modes segment --forms prefix,question --out "$out/everyday" ;;
    unseen) on_four needles --needles "$needles/everyday_unseen.jsonl" --haystack "$data/haystack" --key-modes segment --forms prefix,question --out "$out/unseen" ;;
    reliability) run_reliability ;;
    scope)
      mkdir -p "$out/scope"
      python3 "$root/tools/scope_study.py" "$larimar" "$data" "$out/scope" >"$out/scope/scope.part" &&
        mv "$out/scope/scope.part" "$out/scope/scope.json" ;;
    memory)
      mkdir -p "$out/memory"
      OPENBLAS_NUM_THREADS=1 "$root/build/release/bench/bench_memory_ratio" --repeat 15 >"$out/memory/ratio.json"
      OPENBLAS_NUM_THREADS=1 "$root/build/release/bench/bench_memory" --benchmark_out="$out/memory/bench.json" >/dev/null
      python3 "$root/tools/make_tables.py" memory "$out/memory/ratio.json" "$out/memory/bench.json" >"$out/memory/memory.json" ;;
    capacity)
      "$larimar" eval capacity --facts "$data/eval/facts/counterfact-edit.json" "$data/eval/facts/zsre_mend_train-1k.json" --out "$out/capacity" ;;
    docs) make_docs ;;
    *) echo "measure.sh: no measurement \"$name\"" >&2; exit 2 ;;
  esac
done
