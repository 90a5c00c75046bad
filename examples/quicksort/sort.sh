#!/bin/sh
# sort.sh ALGORITHM FILE: sorts the numbers of a file, one per line, and says what that took.
set -eu
here=$(dirname "$0")
program=$here/algorithms/$1.awk
[ -f "$program" ] || { echo "sort.sh: there is no algorithm $1" >&2; exit 2; }
exec awk -f "$here/main.awk" -f "$program" "$2"
