#!/bin/sh
# The simulated Mac's `date`: the host's, of the node's own clock where that was set (`.mac/clock`) or is wrong (fault clock-skew).
# shellcheck disable=SC1091,SC2154 # what is sourced is installed elsewhere

. "${0%/bin/*}/.mac/lib/mac.sh"

if [ ! -e "$mac/clock" ] && ! fault clock-skew; then exec /bin/date "$@"; fi
read_clock
# A Mac's own date takes seconds by -r, GNU's by -d.
if /bin/date --version >/dev/null 2>&1; then exec /bin/date -d "@$now" "$@"; else exec /bin/date -r "$now" "$@"; fi
