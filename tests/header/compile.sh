#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   compile.sh FOLDER COMPILER [OPTION...]
#
# Compiles a file for each header in the folder that includes nothing else; and twice, because a
# header must bear that.

set -eu
folder=$1
shift
failed=0
count=0
for header in $(cd "$folder" && find . -name "*.h" | sed "s|^\./||"); do
    if ! printf '#include <%s>\n#include <%s>\ntypedef int not_empty;\n' "$header" "$header" |
        "$@" -I "$folder" -fsyntax-only -; then
        echo "<$header> does not compile alone with: $*"
        failed=1
    fi
    count=$((count + 1))
done
[ "$count" -gt 0 ] || { echo "there are no headers"; exit 1; }
[ "$failed" -eq 0 ] && echo "$count headers compile alone"
exit "$failed"
