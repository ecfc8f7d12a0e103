#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   run.sh BENCH SOURCE
#
# What bench makes of results that were kept: tables are compared with the ones here, plots are well-formed XML with every
# system that was measured, and the same bytes each time. hostile.jsonl has one fault a line, between lines that count.

set -eu
bench=$1
source=$2
here=$source/tests/bench
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
command -v xmllint >/dev/null || {
    echo "xmllint is missing (Debian: apt-get install libxml2-utils)"
    exit 77
}

fail() {
    echo "$*"
    exit 1
}

# expect_failure TEXT COMMAND...: it answers something else than 0 and says so, in words.
expect_failure() {
    text=$1
    shift
    status=0
    "$@" >"$work/said" 2>&1 || status=$?
    [ "$status" -ne 0 ] && [ "$status" -lt 128 ] || fail "$* answered $status"
    grep -qF "$text" "$work/said" || fail "$* said $(cat "$work/said"), expected: $text"
}

# ---- Tables
"$bench" table "$here/results.jsonl" >"$work/report.txt"
diff -u "$here/report.txt" "$work/report.txt"
for table in readme bars systems; do
    "$bench" table "$here/results.jsonl" --markdown "$table"
done >"$work/tables.md"
diff -u "$here/tables.md" "$work/tables.md"

# ---- Plots
"$bench" plot "$here/results.jsonl" --out "$work/plots"
"$bench" plot "$here/results.jsonl" --out "$work/again"
diff -r "$work/plots" "$work/again"
count=0
for plot in durable not-durable latency reads bytes dcb; do
    xmllint --noout "$work/plots/$plot.svg"
    count=$((count + 1))
done
[ "$(ls "$work/plots" | wc -l)" -eq "$count" ] || fail "there are other plots: $(ls "$work/plots")"

# shows PLOT NUMBER TEXT: so many of its texts are this one.
shows() {
    found=$(grep -c ">$3</text>" "$work/plots/$1.svg" || true)
    [ "$found" -eq "$2" ] || fail "$1.svg shows $3 $found times, expected $2"
}
for system in SQLite LMDB RocksDB WiredTiger 'bare log (R)' 'fsync (F)'; do
    shows durable 2 "$system"
done
shows durable 3 Stele # two panels and the explanation
shows durable 1 append-full-async1024
shows durable 1 '1.08×'
shows durable 1 '119×'
shows not-durable 1 'write() loop'
shows reads 1 'mapped sum'
shows reads 1 SQLite
shows latency 5 Stele
shows latency 1 '161 µs / 500 µs'
shows bytes 1 296
shows dcb 1 260k
shows dcb 1 230k
grep -q 'prefers-color-scheme:dark' "$work/plots/durable.svg" || fail "no colours for dark surroundings"
# A line each for Stele, four peers and two floors, with a whisker of three parts.
[ "$(grep -c 'class="whisker"' "$work/plots/durable.svg")" -eq 42 ] || fail "whiskers are missing"

# ---- What others may have written
"$bench" plot "$here/hostile.jsonl" --out "$work/hostile" 2>"$work/said"
for line in 5 7 8 9 10 11 12 13 14 15 16 17 18 19 27 28 29; do
    grep -q "hostile.jsonl:$line: .*the line is left out" "$work/said" || fail "line $line was not refused"
done
[ "$(grep -c 'left out$' "$work/said")" -eq 18 ] || fail "other lines were refused: $(cat "$work/said")"
for plot in "$work"/hostile/*.svg; do
    xmllint --noout "$plot"
    if sed '/<style>/,/<\/style>/d' "$plot" | grep -nE '="-?(nan|inf)|[0-9]{8}\.[0-9]"|script'; then
        fail "$plot has numbers that no picture has"
    fi
done
"$bench" table "$here/hostile.jsonl" >"$work/said" 2>/dev/null
grep -q '^append-full-1  *5828 ' "$work/said" || fail "what was good is not shown"

: >"$work/empty"
expect_failure 'holds no results' "$bench" plot "$work/empty" --out "$work/none"
expect_failure 'cannot read' "$bench" table "$work/absent"
expect_failure 'there is no table colours' "$bench" table "$here/results.jsonl" --markdown colours
expect_failure 'bench plot FILE --out FOLDER' "$bench" plot "$here/results.jsonl"

# ---- Pages
mkdir -p "$work/run" "$work/tree/docs"
cp "$here/results.jsonl" "$work/run/"
echo '- processors: one of ours' >"$work/run/machine.md"
cp "$source/docs/performance.md" "$work/tree/docs/"
cp "$source/README.md" "$work/tree/"
"$source/bench/publish" "$bench" "$work/run" "$work/tree" >"$work/said"
for name in machine bars systems; do
    [ "$(grep -c "^<!-- bench:$name -->$" "$work/tree/docs/performance.md")" -eq 1 ] || fail "no place for $name"
done
grep -q '^- processors: one of ours$' "$work/tree/docs/performance.md" || fail "the machine was not named"
grep -q '| 118.81 F | 90 F | yes | 3.91 × WiredTiger |' "$work/tree/docs/performance.md" || fail "no table of bars"
grep -q '| durable appends, one writer | \*\*6200\*\* | 5460 | WiredTiger, 1.08 times |' "$work/tree/README.md" ||
    fail "no table in the README"
cp -r "$work/tree" "$work/once"
"$source/bench/publish" "$bench" "$work/run" "$work/tree" >"$work/said"
diff -r "$work/once" "$work/tree"
# What is outside the blocks stays.
for page in docs/performance.md README.md; do
    for file in "$source/$page" "$work/tree/$page"; do
        awk '/^<!-- bench:end -->$/ { inside = 0 } !inside { print } /^<!-- bench:[a-z]+ -->$/ && !/:end/ { inside = 1 }' \
            "$file" >"$work/outside.$(basename "$(dirname "$file")")"
        [ "$file" = "$source/$page" ] && mv "$work"/outside.* "$work/before"
    done
    mv "$work"/outside.* "$work/after"
    diff -u "$work/before" "$work/after"
done

grep -v 'bench:end' "$work/once/README.md" >"$work/tree/README.md"
expect_failure 'the last block has no end' "$source/bench/publish" "$bench" "$work/run" "$work/tree"
grep -q 'bench:end' "$work/tree/docs/performance.md" || fail "a page was replaced although another one is broken"
rm "$work/run/machine.md"
expect_failure 'has no machine.md' "$source/bench/publish" "$bench" "$work/run" "$work/once"
echo "tables, plots and pages are as expected"
