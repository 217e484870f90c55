#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# spec/differential/prove.sh [--check | PATCH...]: proves that the comparison with Erlang finds faults.
# Plants each of bugs/*.patch in a copy of the tree, builds it, and demands a difference within 1000
# scenarios. --check only tells whether each patch still applies.
set -u
here=$(dirname -- "$(readlink -f -- "$0")")
root=$(cd -- "$here/../.." && pwd)
failures=0

applies() {
    patch -p1 --dry-run --force --quiet -d "$1" -i "$2" >/dev/null
}

check() {
    local bug
    for bug in "$here"/bugs/*.patch; do
        if ! applies "$root" "$bug"; then
            echo "does not apply: ${bug##*/}"
            failures=$((failures + 1))
        fi
    done
}

# The scenarios that were needed, in the words of compare.lua; or that nothing was found.
prove() {
    local bug=$1 copy=$2 said
    patch -p1 --quiet -d "$copy" -i "$bug" || return 1
    if cmake --build "$copy/build" --target pierrot --parallel 2 >"$copy/log" 2>&1; then
        said=$(cd "$copy" && lua5.4 spec/differential/compare.lua build/pierrot 1000 1 250 brief)
        case $said in
            *", 0 differences") echo "NOT FOUND  ${bug##*/}: $said" && failures=$((failures + 1)) ;;
            *) echo "found      ${bug##*/}: $said" ;;
        esac
    else
        echo "NOT BUILT  ${bug##*/}"
        failures=$((failures + 1))
    fi
    patch -p1 --reverse --quiet -d "$copy" -i "$bug"
}

if [ "${1:-}" = --check ]; then
    check
else
    copy=$(mktemp -d)
    trap 'rm -rf "$copy"' EXIT
    (cd "$root" && tar -cf - --exclude=./build --exclude=./.git .) | tar -xf - -C "$copy"
    cmake -S "$copy" -B "$copy/build" -DCMAKE_BUILD_TYPE=Release -DPIERROT_TESTS=OFF >/dev/null || exit 1
    [ $# -gt 0 ] || set -- "$here"/bugs/*.patch
    for bug in "$@"; do
        prove "$(readlink -f -- "$bug")" "$copy"
    done
fi
[ $failures -eq 0 ]
