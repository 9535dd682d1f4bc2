#!/bin/sh
# Makes .venv in the checkout from requirements.txt; it costs nothing while that has not changed.
#
# PYTHON  the interpreter to make it with (default: the first of python3.11, python3.12,
#         python3.13, python3 that is 3.11 or newer)
set -eu

checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
cd "$checkout"

say() { printf 'python: %s\n' "$*" >&2; }
refuse() {
    say "$*"
    exit 1
}

# Prints the version of interpreter $1 if it is 3.11 or newer. It is run, not only looked up:
# version managers put a name on PATH for versions that are not there.
recent() {
    "$1" -c 'import sys; sys.version_info < (3, 11) and sys.exit(1); print(sys.version.split()[0])' \
        2>/dev/null
}

if [ -n "${PYTHON:-}" ]; then
    set -- "$PYTHON"
else
    set -- python3.11 python3.12 python3.13 python3
fi
python=
for candidate in "$@"; do
    if running=$(recent "$candidate"); then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    [ -z "${PYTHON:-}" ] || refuse "PYTHON=$PYTHON is $("$PYTHON" --version 2>&1 || true), and this project needs Python 3.11 or newer. Nothing was installed. Name a newer interpreter, or leave PYTHON out to have one looked for."
    refuse "No Python 3.11 or newer was found as python3.11, python3.12, python3.13 or python3 on PATH, and the program, its plugins and the command line are written in it. Nothing was installed. Install one (https://www.python.org/downloads) and run this again, or name it: make up PYTHON=/path/to/python3.11"
fi

# The stamp holds all that .venv depends on: what is installed, with what, and where (its scripts
# hold absolute paths). It is written last, so an install that was cut off is done again.
stamp=.venv/installed-from
wanted=$(
    printf '%s\n%s\n' "$checkout" "$running"
    cat requirements.txt pyproject.toml
)
exec 9<requirements.txt
! command -v flock >/dev/null 2>&1 || flock 9
if [ -x .venv/bin/python ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then exit 0; fi

say "installing what requirements.txt pins into .venv (usually under a minute) ..."
started=$(date +%s)
rm -rf .venv
"$python" -m venv .venv >&2 || refuse "$python cannot make a virtual environment; its reason is above. Nothing was installed. On Debian and Ubuntu the package python3-venv is missing; install it and run this again."
# Every version is pinned, transitive ones too: nothing to resolve, and `pip check` tells when a
# pin is missing or contradicts another. Compiled once, on every core: the engine starts three Pythons at each run,
# and some environments (PYTHONDONTWRITEBYTECODE) would have each of them compile anew.
pip() {
    command=$1
    shift
    .venv/bin/python -m pip "$command" --disable-pip-version-check "$@" >>.venv/install.log 2>&1
}
{
    pip install --no-input --no-deps --no-compile "$(grep '^pip==' requirements.txt)" &&
        pip install --no-input --no-deps --no-compile -r requirements.txt &&
        pip install --no-input --no-deps --no-build-isolation -e . &&
        pip check &&
        .venv/bin/python -m compileall -q -j 0 .venv/lib components strongroom >>.venv/install.log 2>&1
} || {
    tail -n 15 .venv/install.log >&2
    refuse "requirements.txt could not be installed; pip's reason is above. Nothing outside .venv was changed. If the package index refused, name another one with PIP_INDEX_URL, and run this again: it starts over."
}
printf '%s\n' "$wanted" >"$stamp"
say "installed in $(($(date +%s) - started)) s (Python $running)."
