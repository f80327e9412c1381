#!/usr/bin/env bash
# Installs, builds, and runs the main job on a real book: hides pass keys and everyday facts in the King James Bible
# (Debian package bible-kjv), asks for them by prefix and by question, and prints the answers with their citations.
#
# usage: launch/quickstart.sh [--full] [--ranks N] [QUESTION]
#   QUESTION   a question of your own about the book, answered as well
#   --full     the whole book (4.4 MB) instead of its first part
#   --ranks N  MPI ranks (default: 4)
# Writes book.txt, queries.jsonl and answers/ into out/quickstart.
# exit codes: 0 done, 2 usage; else the code of the step that failed (docs/cli.md)
set -euo pipefail
source "$(dirname "$0")/common.sh"

part_bytes=600000  # about 137,000 tokens
ranks=4
full=no
question=
asked=no
while (($# > 0)); do
  case $1 in
    --full) full=yes ;;
    --ranks)
      [[ ${2:-} =~ ^[1-9][0-9]*$ ]] || die 2 "--ranks needs a number, for example --ranks 4"
      ranks=$2
      shift
      ;;
    -h | --help) show_help; exit 0 ;;
    -*) die 2 "unknown argument '$1'; see launch/quickstart.sh --help" ;;
    *)
      [[ $asked == no ]] || die 2 "more than one question; put your question in quotes"
      [[ $1 == *[![:space:]]* ]] || die 2 "the question is empty"
      question=$1
      asked=yes
      ;;
  esac
  shift
done

out=$root/out/quickstart
book=$out/book.txt
queries=$out/queries.jsonl

# Prints the book, whole or its first lines up to part_bytes.
print_book() {
  local limit=$part_bytes
  [[ $full == no ]] || limit=999999999
  bible -f gen1:1-rev22:21 | LC_ALL=C awk -v limit="$limit" '(bytes += length($0) + 1) <= limit'
}

# What is hidden, a line each: depth in percent | prefix | rest | expected text | question.
# Digits come from a generator with a fixed seed, so every run hides the same.
print_needles() {
  LC_ALL=C awk 'BEGIN {
    state = 20250101
    count = split("red door,3;old mill,4;north gate,4;iron chest,5;lighthouse,5;garden shed,7;post office,7;ferry house,5", keys, ";")
    for (i = 1; i <= count; ++i) {
      split(keys[i], key, ",")
      digits = ""
      for (d = 0; d < key[2]; ++d) {
        state = (state * 16807) % 2147483647  # the minimal standard generator: its products stay exact in a double
        digits = digits int(state / 1000) % 10
      }
      printf "%d|The pass key of the %s is|%s.|%s|\n", 100 * (i - 0.5) / count, key[1], digits, digits
    }
  }'
  cat <<'END'
37|Aunt Rosa keeps her spare house key under|the blue flower pot beside the kitchen window.|blue flower pot|Where is the extra key to Aunt Rosa's home hidden?
75|The last boat to Marlow Island leaves|the second pier at half past six in the evening.|half past six|When does the final ferry to Marlow Island depart?
END
}

# Puts each needle on a line of its own at its depth. Reads the book from standard input.
hide_needles() {
  LC_ALL=C awk -F'|' '
    NR == FNR { depth[++needles] = $1; needle[needles] = $2 " " $3; next }
    { line[++lines] = $0 }
    END {
      for (n = 0; n <= lines; ++n) {
        if (n > 0) print line[n]
        for (i = 1; i <= needles; ++i) if (int(lines * depth[i] / 100) == n) print needle[i]
      }
    }' <(print_needles) -
}

json_text() { printf '%s' "$1" | LC_ALL=C tr '\000-\037\177' ' ' | sed 's/[\\"]/\\&/g'; }

print_queries() {
  local number=0 prefix rest expected asking
  while IFS='|' read -r _ prefix rest expected asking; do
    number=$((number + 1))
    printf '{"id": "prefix-%d", "prefix": "%s", "expect": "%s"}\n' "$number" "$(json_text "$prefix")" "$(json_text "$expected")"
    [[ -z $asking ]] ||
      printf '{"id": "question-%d", "question": "%s", "expect": "%s"}\n' "$number" "$(json_text "$asking")" "$(json_text "$expected")"
  done < <(print_needles)
  [[ $asked == no ]] || printf '{"id": "yours", "question": "%s"}\n' "$(json_text "$question")"
}

"$root/launch/install.sh"
"$root/launch/build.sh" release
command -v bible >/dev/null || PATH=$PATH:/usr/games
command -v bible >/dev/null || die 66 "the program bible is missing; install the Debian package bible-kjv"

mkdir -p "$out" || die 73 "cannot create $out"
print_book >"$out/.plain" || die 74 "could not write the book into $out; is the disk full?"
[[ -s $out/.plain ]] || die 66 "bible printed nothing; reinstall the Debian package bible-kjv"
hide_needles <"$out/.plain" >"$book"
rm -f "$out/.plain"
print_queries >"$queries"
rm -rf "$out/answers"
say "book: $(wc -c <"$book") bytes, $(print_needles | wc -l) needles hidden; queries: $(wc -l <"$queries")"

say "running on $ranks ranks"
started=$SECONDS
status=0
mpirun -n "$ranks" --oversubscribe --bind-to none "$root/build/release/larimar" run \
  --context "$book" --queries "$queries" --out "$out/answers" </dev/null || status=$?
[[ -s $out/answers/answers.jsonl ]] ||
  die "$((status == 0 ? 70 : status))" "the run left no answers (mpirun ended with code $status; see above and $out/answers)"
say "answered in $((SECONDS - started)) s; everything is in out/quickstart"
python3 "$root/tools/show_answers.py" --queries "$queries" --answers "$out/answers/answers.jsonl"
exit "$status"
