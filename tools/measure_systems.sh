#!/usr/bin/env bash
# Measures the memory beside other systems in the same cells, and puts the tables into docs/results.md.
#
# usage: tools/measure_systems.sh DATA OUT [grid|memory|prefix|bm25|minilm|full|weight|needles|docs] ...
#   DATA  a folder with haystack/, train/ and eval/babi/
#   OUT   where results go; what is there already is not asked again
# Without names it runs all of them; on one core that is most of a day's work of a language model: `full` reads some two
# hundred prompts of 8,192 tokens.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
(($# >= 2)) || { sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 2; }
data=$(cd "$1" && pwd) out=$2
shift 2
(($# > 0)) || set -- grid memory prefix bm25 minilm full weight needles docs
larimar=$root/build/release/larimar
export OMPI_MCA_mpi_yield_when_idle=1 OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
[[ $(id -u) != 0 ]] || export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
tokens=(--length-tokenizer "${LARIMAR_DEPS:-$root/.deps}/smollm2/tokenizer.json")
mkdir -p "$out/runs"

# run_file NAME LENGTHS DEPTHS SEEDS KEY_MODE FORM TASK...: what `eval run` is given
run_file() {
  local name=$1 lengths=$2 depths=$3 seeds=$4 key_mode=$5 form=$6 task
  shift 6
  {
    printf 'name: systems\nhaystack: %s/haystack\nfiller: %s/train\npieces: 2048\n' "$data" "$data"
    printf 'sweep:\n  context_lengths: [%s]\n  depth_percents: %s\n  seeds: %s\ntasks:\n' "$lengths" "$depths" "$seeds"
    for task in "$@"; do printf '  - {type: %s}\n' "$task"; done
    printf 'larimar: {key_modes: [%s], forms: [%s]}\n' "$key_mode" "$form"
  } >"$out/runs/$name.yaml"
}
ask() {  # RUN SYSTEM FOLDER OPTION...
  local run=$1 system=$2 folder=$3
  shift 3
  "$larimar" eval run "$out/runs/$run.yaml" --system "$system" --out "$out/systems/$folder" "$@" </dev/null
}
all_tasks() {  # SYSTEM: passkeys and several keys without a reader, bAbI with one
  local system=$1
  run_file all "$lengths" "$ten_depths" '[1]' segment prefix "$passkeys, forms: [prefix, question]" "$multi, forms: [prefix]"
  run_file babi "${lengths%,*}" '[50]' 6 segment question "$babi"
  # Where every context is encoded anew it takes long; the other systems keep what they made of a text.
  run_file babi-1m "${lengths##*,}" '[50]' "$([[ $system == larimar ]] && echo 1 || echo 4)" segment question "$babi"
  ask all "$system" "$system-all" "${tokens[@]}" --reads 8
  ask babi "$system" "$system-babi" "${tokens[@]}" --reader smollm2 --reads 8
  ask babi-1m "$system" "$system-babi-1m" "${tokens[@]}" --reader smollm2 --reads 8
}

# A prompt of 8,192 tokens takes a minute and more: fewer depths there, and no length beyond it where nothing new is seen.
full_context() {
  local run
  run_file full-passkey 1000 "$ten_depths" '[1]' segment prefix "$passkeys"
  run_file full-question 1000 "$ten_depths" '[1]' segment question "$passkeys"
  run_file full-multi-1k 1000 "$ten_depths" '[1]' segment prefix "$multi"
  run_file full-babi-1k 1000 '[50]' 10 segment question "$babi"
  run_file full-passkey-8000 8000 "$four_depths" '[1]' segment prefix "$passkeys"
  run_file full-question-8k 8000 "$four_depths" '[1]' segment question "$two_kinds"
  for length in 32000 137000 1000000; do
    run_file "full-passkey-$length" "$length" "$four_depths" '[1]' segment prefix "$two_kinds"
  done
  run_file full-multi-8k 8000 "$four_depths" '[1]' segment prefix "$multi"
  run_file full-babi-8k 8000 '[50]' 2 segment question "$babi"
  for run in passkey question multi-1k babi-1k passkey-{8000,32000,137000,1000000} question-8k multi-8k babi-8k; do
    ask "full-$run" full-context "full-$run" "${tokens[@]}"
  done
}

needle_runs() {
  local length name
  for length in 0 1000000; do
    run_file "needles-$length" "$length" '[50]' '[1]' segment question \
      "needles, needles: $root/eval/needles/everyday.jsonl" "needles, needles: $root/eval/needles/everyday_unseen.jsonl" \
      "needles, needles: $root/eval/needles/everyday_plain.jsonl"
    name=needles$([[ $length == 0 ]] || echo -1m)
    "$larimar" eval run "$out/runs/needles-$length.yaml" --out "$out/$name" </dev/null
    "$larimar" eval run "$out/runs/needles-$length.yaml" --rerank likelihood --out "$out/$name-rerank" </dev/null
  done
}

# Forty questions that the weight of a key beside the likelihood was chosen on, and that nothing else is measured with.
weigh() {
  local set=(--needles "$root/eval/needles/rerank_tuning.jsonl" --haystack "$data/haystack" --key-modes segment --forms question)
  "$larimar" eval needles "${set[@]}" --out "$out/tuning/key" </dev/null
  for weight in 0 4; do
    "$larimar" eval needles "${set[@]}" --rerank likelihood --key-weight "$weight" --out "$out/tuning/weight-$weight" </dev/null
  done
}

run_grid() {
  local begun=$SECONDS
  mpirun -n 3 --oversubscribe --bind-to none "$larimar" eval passkey --haystack "$data/haystack" --lengths 1000,8000,32000,64000,137000 \
    --depths 0:100:11 --digits 5 --seeds 20 --pieces 2048 --key-modes segment --forms prefix --out "$out/grid" </dev/null
  printf '{"ranks": 3, "seconds": %d}\n' $((SECONDS - begun)) >"$out/grid/time.json"
}

make_docs() {
  local systems=$out/systems report=$out/report names=(systems everyday_cells rerank_weight rerank_cost grid) name folders=() pairs=()
  declare -A shown=([larimar-all]=memory [larimar-babi]='memory, with reader' [larimar-prefix]=memory [bm25-all]=BM25 [minilm-all]=MiniLM
    [bm25-babi]='BM25, with reader' [minilm-babi]='MiniLM, with reader' [larimar-babi-1m]='memory, with reader'
    [bm25-babi-1m]='BM25, with reader' [minilm-babi-1m]='MiniLM, with reader')
  rm -rf "$report" "$out/report-needles"  # figures of other rows
  for name in "$systems"/*; do
    [[ -s $name/results.jsonl ]] || continue
    folders+=("${shown[${name##*/}]:-SmolLM2 full context}=$name")
  done
  "$larimar" report "${folders[@]}" --published "$root/eval/report/published_needles.json" --out "$report"
  python3 "$root/tools/make_tables.py" systems "$report/summary.csv" >"$root/docs/data/systems.json"
  mkdir -p "$root/docs/data/systems"
  cp "$report"/systems-*-137000-tokens.svg "$root/docs/data/systems/systems-137000.svg"
  cp "$report"/heatmap-*-memory-segment-keys-passkey-3-digits.svg "$root/docs/data/systems/heatmap-memory.svg"
  cp "$report"/heatmap-*-smollm2-full-context-passkey-3-digits.svg "$root/docs/data/systems/heatmap-full-context.svg"
  folders=()
  for name in needles needles-1m; do
    [[ ! -s $out/$name/results.jsonl ]] || folders+=("by key=$out/$name")
    [[ ! -s $out/$name-rerank/results.jsonl ]] || folders+=("reranked=$out/$name-rerank")
  done
  "$larimar" report "${folders[@]}" --score retrieval --out "$out/report-needles"
  python3 "$root/tools/make_tables.py" systems "$out/report-needles/summary.csv" >"$root/docs/data/everyday-cells.json"
  python3 "$root/tools/make_tables.py" weight "by key=$out/tuning/key/summary.json" \
    "likelihood (--key-weight 0)=$out/tuning/weight-0/summary.json" \
    "likelihood and key (--key-weight 4)=$out/tuning/weight-4/summary.json" >"$root/docs/data/rerank-weight.json"
  python3 "$root/tools/make_tables.py" rerank "$out/needles-rerank/first_job.json" >"$root/docs/data/rerank-cost.json"
  python3 "$root/tools/make_tables.py" grid "$out/grid/summary.json" "$out/grid/time.json" >"$root/docs/data/grid.json"
  for name in "${names[@]}"; do pairs+=("$name=$root/docs/data/${name//_/-}.json"); done
  python3 "$root/tools/results_to_docs.py" --docs "$root/docs/results.md" "${pairs[@]}"
}

lengths=1000,8000,32000,137000,1000000
ten_depths='{min: 0, max: 100, num: 10}' four_depths='{min: 0, max: 100, num: 4}'
two_kinds='passkey, kinds: [5, san_francisco], wording: essay'
passkeys='passkey, kinds: [3, 4, 5, 7, san_francisco], wording: essay'
multi='multi, keys: 4, values: 2, distractors: 20'
babi="babi, babi: $data/eval/babi, tasks: [qa1, qa2, qa3, qa4, qa5]"
for name in "$@"; do
  case $name in
    grid) run_grid ;;
    memory) all_tasks larimar ;;
    bm25 | minilm) all_tasks "$name" ;;
    prefix)
      run_file larimar-prefix "$lengths" "$ten_depths" '[1]' prefix prefix "$passkeys"
      ask larimar-prefix larimar larimar-prefix "${tokens[@]}" ;;
    full) full_context ;;
    weight) weigh ;;
    needles) needle_runs ;;
    docs) make_docs ;;
    *) echo "measure_systems.sh: no measurement \"$name\"" >&2; exit 2 ;;
  esac
done
