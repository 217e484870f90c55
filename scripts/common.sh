# SPDX-License-Identifier: MIT
# Shared by scripts/run and scripts/test, which source it: packages, and quiet builds of a preset.
# Nothing here writes to standard output or reads standard input; both belong to what is run.

root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.." && pwd)
missing=()

say() {
    printf '%s\n' "$*" >&2
}

# want PACKAGE COMMAND...: notes the package when the command fails.
want() {
    local package=$1
    shift
    "$@" >/dev/null 2>&1 </dev/null || missing+=("$package")
}

has() {
    command -v "$1"
}

has_ninja_or_make() {
    has ninja || has make
}

has_lua() {
    pkg-config --exists 'lua5.4' || pkg-config --exists 'lua-5.4' || pkg-config --exists 'lua54' ||
        pkg-config --exists 'lua >= 5.4' 'lua < 5.5'
}

want_build_packages() {
    want build-essential has cc
    want cmake has cmake
    want ninja-build has_ninja_or_make
    want pkg-config has pkg-config
    want liblua5.4-dev has_lua
    want libuv1-dev pkg-config --exists libuv
    want libedit-dev pkg-config --exists libedit
}

# Installs what want() has noted; ends the script where that fails.
install_missing() {
    [ ${#missing[@]} -gt 0 ] || return 0
    if ! has apt-get >/dev/null; then
        say "pierrot needs what Debian calls: ${missing[*]}"
        exit 1
    fi
    say "pierrot: installing ${missing[*]}"
    local as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    quietly "${as_root[@]}" sh -c 'apt-get update -q || true
        DEBIAN_FRONTEND=noninteractive exec apt-get install -q -y --no-install-recommends "$@"' \
        sh "${missing[@]}" || exit 1
    missing=()
}

# Runs a command; what it says goes to stderr, and only when it fails.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null || status=$?
    [ $status -eq 0 ] || cat "$log" >&2
    rm -f "$log"
    return $status
}

# One script at a time installs and builds.
lock() {
    mkdir -p "$root/build"
    exec 9>"$root/build/.lock"
    flock 9
}

unlock() {
    exec 9>&-
}

# A tree that was moved or copied with its build directory is configured afresh.
is_configured() {
    grep -qsxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$root/build/$1/CMakeCache.txt" &&
        { [ -e "$root/build/$1/build.ninja" ] || [ -e "$root/build/$1/Makefile" ]; }
}

configure() {
    local fresh=()
    is_configured "$1" || fresh=(--fresh)
    if [ -z "${CMAKE_GENERATOR:-}" ] && has ninja >/dev/null; then
        export CMAKE_GENERATOR=Ninja
    fi
    (cd "$root" && quietly cmake "${fresh[@]}" --preset "$1")
}

# build PRESET [TARGET]
build() {
    quietly cmake --build "$root/build/$1" --parallel "$(nproc)" ${2:+--target "$2"}
}
