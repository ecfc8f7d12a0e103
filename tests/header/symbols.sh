#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   symbols.sh LIST NM LIBRARY
#
# Compares what the shared library exports with the list.

set -eu
found=$(mktemp)
trap 'rm -f "$found"' EXIT

# Programs built for coverage or with sanitizers export things of their own.
"$2" -D --defined-only --extern-only "$3" | awk '{ print $3 }' | grep -v -E '^(__|_init$|_fini$|mangle_path$)' |
    LC_ALL=C sort >"$found"
if ! diff -u "$1" "$found"; then
    echo "the lines with + are exported without being public, those with - are public without being there"
    echo "(tools/symbols writes the list from the headers)"
    exit 1
fi
echo "$(wc -l <"$found") functions are exported"
