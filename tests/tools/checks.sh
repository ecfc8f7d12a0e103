#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   checks.sh SOURCE
#
# Makes a small tree with one fault after the other and expects tools/layers and tools/tidy to find
# each, and nothing in the tree without faults.

set -eu
source=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/src/base" "$tree/src/os" "$tree/src/log" "$tree/src/cli" "$tree/include/stele" "$tree/tests"
cp -r "$source/tools" "$tree/tools"
license='/* SPDX-License-Identifier: Apache-2.0 */'
count=0

write() {
    path=$tree/$1
    shift
    printf '%s\n' "$license" "$@" >"$path"
}

clean_tree() {
    rm -rf "$tree"/src/*/* "$tree"/include/stele/* "$tree"/tests/*
    write src/base/base.h '#include "bytes.h"'
    write src/base/bytes.h '#include <stdint.h>' '#include <pthread.h>'
    write src/os/os.h '#include "base/bytes.h"' '#include <sys/mman.h>'
    write src/os/posix.h '#include "os/os.h"'
    write src/log/log.h '#include "os/os.h"' '#include <stele/types.h>'
    write src/log/codec_zstd.c '#include "log/log.h"' '#include <zstd.h>'
    write src/cli/main.c '#include <stele/types.h>' '#include "options.h"' '/* malloc(1) */ char *s = "malloc(1)";'
    write src/cli/options.h '#include <poll.h>'
    write include/stele/types.h '#include <stdint.h>'
    write tests/test_x.c 'void *p = malloc(1);' '#include "log/log.h"'
}

# expect TOOL TEXT: the tool fails and says so.
expect() {
    if output=$("$tree/tools/$1" 2>&1); then
        echo "tools/$1 found nothing, expected: $2"
        exit 1
    fi
    case $output in
    *"$2"*) ;;
    *)
        echo "tools/$1 said:"
        echo "$output"
        echo "expected: $2"
        exit 1
        ;;
    esac
    count=$((count + 1))
    clean_tree
}

clean_tree
"$tree/tools/layers"
"$tree/tools/tidy"

write src/base/bytes.h '#include "os/os.h"'
expect layers 'src/base may not use src/os'
write src/os/os.h '#include "log/log.h"'
expect layers 'src/os may not use src/log'
write src/log/log.h '#include "os/posix.h"'
expect layers '"os/posix.h" is private to src/os'
write src/cli/main.c '#include "base/base.h"'
expect layers 'src/cli may not use src/base'
write src/os/os.h '#include <zstd.h>'
expect layers '<zstd.h> belongs to src/log'
write src/log/log.h '#include <jansson.h>'
expect layers '<jansson.h> belongs to'
write src/log/log.h '#include <sys/mman.h>'
expect layers '<sys/mman.h> belongs to src/os'
write src/log/log.h '#  include  <linux/futex.h>'
expect layers '<linux/futex.h> belongs to src/os'
write src/base/base.h '#include <threads.h>'
expect layers '<threads.h> belongs to nobody'
write include/stele/types.h '#include "base/base.h"'
expect layers 'public headers only'
write include/stele/types.h '#include <pthread.h>'
expect layers 'standard C only'
mkdir "$tree/src/attic"
write src/attic/a.c ''
expect layers 'no room'
rmdir "$tree/src/attic"

write src/log/a.c 'char *p = malloc(1);'
expect tidy 'malloc() is banned here; instead: stele__allocate()'
write src/log/a.c '/* a comment' 'malloc(1) in it */ strcpy(a, b);'
expect tidy 'strcpy() is banned here'
write src/log/a.c 'x = "a string \" with a quote"; sprintf(a, b);'
expect tidy 'sprintf() is banned here'
write src/log/a.c 'assert (x);'
expect tidy 'assert() is banned here'
write src/log/a.c 'fprintf(stderr, x);'
expect tidy 'is banned here'
write src/os/a.c 'int x; // a comment'
expect tidy 'comments are /*'
write src/log/a.c "$(printf '%0101d' 0)"
expect tidy 'longer than 100 columns'
write include/stele/a.h "$(printf '%0121d' 0)"
expect tidy 'longer than 120 columns'
write include/stele/a.h 'typedef int stele_b;' 'STELE_API int stele_a(void);'
expect tidy 'a public function without its comment'
write src/log/a.c "$(seq 1100)"
expect tidy 'more than 1000 lines'
write src/log/a.c "$(printf 'int a;\t')"
expect tidy 'a tab'
write src/log/a.c 'int a; '
expect tidy 'blanks at the end'
write src/log/a.c "/* TO""DO: more */"
expect tidy 'something was left to do'
write src/log/a.c "/* see /ho""me/ann/notes */"
expect tidy "somebody's machine"
printf 'int a;\n' >"$tree/src/log/a.c"
expect tidy 'SPDX-License-Identifier'

echo "$count faults found"
