#!/usr/bin/env bash
# The first hour of somebody who has nothing but a clone: ten lines in a new environment, then `make demo`.
# Where FRESH_SITE names a folder of installed packages they are used in place of downloads.
set -euo pipefail
unset PYTHONPATH EXPLAINDISTILL_DATA  # nothing of the one who runs this helps
root=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-python3}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

git clone --quiet --local "$root" "$scratch/clone"
cd "$scratch/clone"
"$python" -m venv "$scratch/venv"
if [[ -n ${FRESH_SITE:-} ]]; then
    echo "$FRESH_SITE" >"$("$scratch/venv/bin/python" -c 'import site; print(site.getsitepackages()[0])')/shared.pth"
    "$scratch/venv/bin/pip" install --quiet --no-deps .
else
    "$scratch/venv/bin/pip" install --quiet --constraint constraints.txt .
fi

# the first block of Python on the front page, word for word; the browser is asked to print the address
sed -n '/^```python$/,/^```$/p' README.md | sed '1d;/^```$/,$d' >"$scratch/first.py"
lines=$(grep -c . "$scratch/first.py")
echo "one command, $lines lines of Python:"
(cd "$scratch" && BROWSER="echo %s" "$scratch/venv/bin/python" first.py && ls -l audit.html)
[[ $lines -le 10 ]]

if [[ -z ${FRESH_SITE:-} ]]; then
    make PYTHON="$python" demo
    ls -l audit/audit.html
fi
