#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
#   run.sh WAY SOURCE BUILD CMAKE
#
# WAY is cmake-shared, cmake-static (find_package), pkg-config-shared, pkg-config-static, or
# subproject (add_subdirectory). The program is built as C99 and, where there is a C++ compiler, as
# C++17, and run on memory and on a folder.

set -eu
way=$1
source=$2
build=$3
cmake=$4

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
prefix=$folder/prefix
here=$source/tests/install

has_cxx=OFF
if command -v "${CXX:-c++}" >/dev/null 2>&1; then
    has_cxx=ON
fi

run() {
    for program in "$@"; do
        [ -e "$program" ] || { echo "$program has not been built"; exit 1; }
        "$program" memory:
        rm -rf "$folder/ledger"
        "$program" "$folder/ledger"
    done
}

# Whether the program needs the shared library, which a static one must not.
expect_needed() {
    needed=$(objdump -p "$2" | grep -c 'NEEDED *libstele\.so\.0$' || true)
    [ "$needed" -eq "$1" ] || { echo "$2 names libstele.so.0 $needed times, expected $1"; exit 1; }
}

install_here() {
    "$cmake" --install "$build" --prefix "$prefix" >"$folder/install.log" || { cat "$folder/install.log"; exit 1; }
    LD_LIBRARY_PATH=$(dirname "$(find "$prefix" -name libstele.so)")
    export LD_LIBRARY_PATH
}

build_with_cmake() {
    "$cmake" -S "$here/consumer" -B "$folder/consumer" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DHAS_CXX="$has_cxx" "$@" \
        >"$folder/configure.log" 2>&1 || { cat "$folder/configure.log"; exit 1; }
    "$cmake" --build "$folder/consumer" >"$folder/build.log" 2>&1 || { cat "$folder/build.log"; exit 1; }
}

programs="$folder/consumer/consumer_c"
[ "$has_cxx" = OFF ] || programs="$programs $folder/consumer/consumer_cxx"

case $way in
cmake-shared | cmake-static)
    install_here
    build_with_cmake -DCMAKE_PREFIX_PATH="$prefix" -DWAY="${way#cmake-}"
    ;;
subproject)
    build_with_cmake -DSTELE_SOURCE="$source" -DWAY=subproject
    ;;
pkg-config-shared | pkg-config-static)
    install_here
    PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name stele.pc)")
    export PKG_CONFIG_PATH
    mkdir "$folder/consumer"
    if [ "$way" = pkg-config-static ]; then
        # Only our own library is static: the linker is given the archive in the place of -lstele.
        archive=$(find "$prefix" -name libstele.a)
        libraries=$(pkg-config --static --libs stele | sed "s|-lstele|$archive|")
    else
        libraries=$(pkg-config --libs stele)
    fi
    flags="$(pkg-config --cflags stele) -Wall -Wextra -pedantic -Werror"
    # shellcheck disable=SC2086
    "${CC:-cc}" -std=c99 $flags "$here/consumer.c" -o "$folder/consumer/consumer_c" $libraries
    if [ "$has_cxx" = ON ]; then
        # shellcheck disable=SC2086
        "${CXX:-c++}" -std=c++17 $flags "$here/consumer.cpp" -o "$folder/consumer/consumer_cxx" $libraries
    fi
    ;;
*)
    echo "what is $way?"
    exit 1
    ;;
esac

for program in $programs; do
    case $way in
    *-shared) expect_needed 1 "$program" ;;
    *-static) expect_needed 0 "$program" ;;
    esac
done
# shellcheck disable=SC2086
run $programs
echo "built and run: $way"
