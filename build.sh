#!/usr/bin/env bash
# Sets a Debian or Ubuntu machine that has the .NET SDK up for NativeRanger, then runs a target of build.cake:
#   ./build.sh --target=Train      build everything, train on the embedded digits
#   ./build.sh --target=Test       build everything, run all tests
#   ./build.sh --target=Mpi        install MPI where that is allowed, test and show sharded steps
#   ./build.sh --help              list the targets
# What is there already is left alone; with everything there, no network is needed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

have() { command -v "$1" >/dev/null 2>&1; }

# Packages whose program or header is missing. "a|b" is the first of these that the distribution has.
missing_packages() {
    have g++ || echo g++
    have cmake || echo cmake
    have ninja || echo ninja-build
    have git || echo git
    have clang-14 || have clang || echo 'clang-14|clang'
    have clang-format-14 || have clang-format || echo 'clang-format-14|clang-format'
    [ -e /usr/include/gtest/gtest.h ] || echo libgtest-dev
}

# What sharded steps are tested with, and what the demonstration of --target=Mpi trains on.
missing_mpi_packages() {
    have mpirun.openmpi || echo openmpi-bin
    have mpiexec.mpich || echo mpich
    have ip || echo iproute2
    [ -d /usr/share/datasets/fashion-mnist ] || echo dataset-fashion-mnist
}

# What the libraries of the other platforms are built with, and what they are tested under.
missing_platform_packages() {
    have aarch64-linux-gnu-g++ || echo g++-aarch64-linux-gnu
    have qemu-aarch64 || echo qemu-user
    have x86_64-w64-mingw32-g++-posix || echo g++-mingw-w64-x86-64-posix
    [ -d /usr/src/googletest ] || echo googletest
}

# What --target=Fuzz is linked with.
missing_fuzz_packages() {
    compgen -G '/usr/lib/llvm-14/lib/clang/*/lib/linux/libclang_rt.fuzzer-x86_64.a' >/dev/null || echo libclang-rt-14-dev
}

# What --target=Sanitize looks for mistakes with.
missing_sanitize_packages() {
    missing_fuzz_packages
    have clang++-14 || echo clang-14
    have valgrind || echo valgrind
    have clang-tidy-14 || echo clang-tidy-14
    have cppcheck || echo cppcheck
}

# What --target=Coverage reads the counters of native code with, and without which tests are skipped that reach lines.
missing_coverage_packages() {
    missing_mpi_packages
    have gcovr || echo gcovr
    have rsvg-convert || echo librsvg2-bin
}

obtainable() { apt-cache policy "$1" 2>/dev/null | grep -q 'Candidate: [^(]'; }

# The first of "a|b" that the distribution has.
first_obtainable() {
    local choice
    for choice in ${1//|/ }; do
        if obtainable "$choice"; then
            echo "$choice"
            return
        fi
    done
    echo "${1%%|*}"
}

install_missing_packages() {
    local missing sudo="" wanted package packages=()
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0

    if ! have apt-get; then
        echo "build.sh: install the equivalents of these Debian packages, then run it again:" $missing >&2
        exit 1
    fi

    local allowed=yes
    if [ "$(id -u)" -ne 0 ]; then
        sudo=sudo
        sudo -n true 2>/dev/null || allowed=no
    fi
    if [ "$allowed" = yes ]; then
        $sudo apt-get update -qq
    fi
    for wanted in $missing; do
        package=$(first_obtainable "$wanted")
        packages+=("$package")
    done
    if [ "$allowed" = no ]; then
        echo "build.sh: packages are missing and this user may not install them. Run" >&2
        echo "    sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages[*]}" >&2
        echo "and then build.sh again." >&2
        exit 1
    fi

    echo "build.sh: installing ${packages[*]}"
    if ! $sudo env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null; then
        echo "build.sh: apt-get could not install them (see above); install them yourself and run build.sh again." >&2
        exit 1
    fi
    missing=$(missing_packages)
    if [ -n "$missing" ]; then
        echo "build.sh: still missing after the installation:" $missing >&2
        exit 1
    fi
}

# install_where_allowed PURPOSE PACKAGES: without these everything else works; what needs them is left out and says so.
install_where_allowed() {
    local purpose=$1 package packages=() sudo=""
    shift
    [ "$#" -gt 0 ] && have apt-get || return 0

    [ "$(id -u)" -eq 0 ] || sudo="sudo -n"
    $sudo apt-get update -qq 2>/dev/null || true
    for package in "$@"; do
        if obtainable "$package"; then
            packages+=("$package")
        fi
    done
    echo "build.sh: installing ${packages[*]:-nothing} for $purpose"
    if [ "${#packages[@]}" -eq 0 ] || ! $sudo env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null; then
        echo "build.sh: could not install what $purpose needs; the command is" >&2
        echo "    sudo apt-get install -y --no-install-recommends $*" >&2
    fi
}

restore_tools() {
    local log
    if ! log=$(dotnet tool restore 2>&1); then
        echo "$log" >&2
        exit 1
    fi
}

if ! have dotnet; then
    echo "build.sh: the .NET SDK named in global.json is missing; install it (https://dot.net) and run build.sh again." >&2
    exit 1
fi

install_missing_packages
# NATIVERANGER_SETUP names what to set up beside what the target asks for.
case " ${NATIVERANGER_SETUP:-} $* " in
    *" mpi "* | *" --target=Mpi "*) install_where_allowed "sharded steps" $(missing_mpi_packages) ;;
esac
case " ${NATIVERANGER_SETUP:-} $* " in
    *" platforms "* | *" --target=Platforms "* | *" --target=Pack "*) install_where_allowed "other platforms" $(missing_platform_packages) ;;
esac
case " $* " in
    *" --target=Fuzz "*) install_where_allowed "fuzzing" $(missing_fuzz_packages) ;;
    *" --target=Sanitize "*) install_where_allowed "sanitizers and analyzers" $(missing_sanitize_packages) ;;
    *" --target=Coverage "*) install_where_allowed "coverage" $(missing_coverage_packages) ;;
esac
restore_tools

if [ "${1:-}" = --help ]; then
    set -- --description
fi

# The tests that failed, and last the tally, so that they are found without reading the rest.
summary=artifacts/test/summary.txt
rm -f "$summary"
status=0
dotnet cake build.cake "$@" || status=$?
if [ -f "$summary" ]; then
    cat "$summary"
fi
exit "$status"
