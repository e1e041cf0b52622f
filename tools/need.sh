#!/bin/sh
# Says in one sentence what is missing to build headrace; silent when nothing is. Usage: need.sh PYTHON
set -u
python=${1:-python3}
fail() { echo "headrace: $1" >&2; exit 2; }
command -v "$python" >/dev/null 2>&1 || fail "$python is missing: install Python 3.11 or newer"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$("$python" -V) is too old: install Python 3.11 or newer, or name one with PYTHON=..."
"$python" -c 'import venv, ensurepip' 2>/dev/null || fail "$python cannot make virtual environments: install its venv package (Debian: python3-venv)"
command -v cargo >/dev/null 2>&1 || fail "cargo is missing: install a stable Rust toolchain, 1.95 or newer (rustup.rs)"
"$python" -c 'import sys; sys.exit([int(n) for n in sys.argv[1].split()[1].split(".")[:2]] < [1, 95])' "$(cd "${0%/*}/../engine" && cargo --version)" 2> /dev/null \
    || fail "$(cargo --version) is too old: install a stable Rust toolchain, 1.95 or newer (rustup update stable)"
command -v cc >/dev/null 2>&1 || fail "cc is missing: install a C compiler (Debian: gcc)"
