#!/bin/sh
# Makes .venv (or the folder VENV names) with everything ParcelRadar needs, from a bare machine with Python 3.11 to 3.13.
# Runs again in a second.
set -eu
cd "$(dirname "$0")/.."
# Trust the certificates this machine trusts: behind a company proxy uv's own list is not enough.
export UV_SYSTEM_CERTS=1
venv="${VENV:-.venv}"
say() { printf '== %s\n' "$*" >&2; }

find_python() {
    for candidate in "${PYTHON:-}" python3.12 python3.13 python3.11 python3; do
        [ -n "$candidate" ] || continue
        command -v "$candidate" >/dev/null 2>&1 || continue
        if "$candidate" -c 'import sys; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 13)))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

make_venv() {
    if command -v uv >/dev/null 2>&1 && uv venv --quiet --seed --python "$python" "$venv"; then return; fi
    if "$python" -m venv "$venv" 2>/dev/null; then return; fi
    rm -rf "$venv"
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "Python has no venv module here: installing python3-venv"
        apt-get update -qq && apt-get install -y -qq python3-venv >/dev/null
        "$python" -m venv "$venv"
        return
    fi
    say "This Python cannot make virtual environments. Install python3-venv (apt-get install python3-venv), or uv, and run again."
    exit 1
}

stamp="$venv"/.parcelradar-installed
wanted=$(cat requirements.lock pyproject.toml | cksum)
if [ -x "$venv"/bin/radar ] && [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi

python=$(find_python)
if [ -z "$python" ]; then
    say "No Python 3.11, 3.12 or 3.13 found. Install one (apt-get install python3 python3-venv) and run again."
    exit 1
fi
if [ ! -x "$venv"/bin/python ]; then
    say "making $venv with $("$python" --version)"
    make_venv
fi

say "installing what requirements.lock names (a few minutes the first time)"
if command -v uv >/dev/null 2>&1; then
    uv pip sync --quiet --python "$venv"/bin/python --require-hashes requirements.lock
elif "$venv"/bin/python -m pip install --quiet --disable-pip-version-check "$(sed -n 's/^\(uv==[0-9.]*\).*/\1/p' requirements.lock)" \
    && "$venv"/bin/uv pip install --quiet --python "$venv"/bin/python --require-hashes -r requirements.lock; then
    :
else
    say "uv is not to be had: going on with pip"
    "$venv"/bin/python -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
fi

say "installing radar"
if [ -x "$venv"/bin/uv ]; then
    "$venv"/bin/uv pip install --quiet --python "$venv"/bin/python --no-deps --no-build-isolation --editable .
else
    "$venv"/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
fi
printf '%s\n' "$wanted" > "$stamp"
say "ready: $venv/bin/radar"
