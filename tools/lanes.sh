#!/usr/bin/env bash
# Every test, in three lanes side by side: much of the time they wait, for pages and for programs that start.
# The first is shown as it runs, the others when it is done (they are in build/lane-*.log meanwhile).
set -uo pipefail
cd "$(dirname "$0")/.."
mkdir -p build
aside=("tests/web tests/guides" "tests/server tests/cli tests/acceptance")
python=.venv/bin/python
pids=()
for number in "${!aside[@]}"; do
    # shellcheck disable=SC2086  # a lane is several folders
    $python -m pytest ${aside[$number]} >"build/lane-$number.log" 2>&1 &
    pids+=($!)
done
trap 'kill "${pids[@]}" 2>/dev/null' INT TERM
# shellcheck disable=SC2068  # several folders
$python -m pytest tests src $(printf -- '--ignore=%s ' ${aside[@]})
failed=$?
for number in "${!aside[@]}"; do
    wait "${pids[$number]}" || failed=1
    cat "build/lane-$number.log"
done
exit "$failed"
