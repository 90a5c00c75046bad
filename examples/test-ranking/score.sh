#!/bin/sh
# score.sh DIFF TEST FILE FAILURES SECONDS: how much a test promises to tell about a change.
set -eu
exec awk -f "$(dirname "$0")/score.awk" -v test="$2" -v file="$3" -v failures="$4" -v seconds="$5" "$1"
