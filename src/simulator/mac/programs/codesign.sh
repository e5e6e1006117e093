#!/bin/sh
# The simulated Mac's `codesign`; Node.js does it (src/simulator/mac/tool/codesign.ts), since signatures are binary.
# shellcheck disable=SC1091,SC2154 # what is sourced is installed elsewhere

. "${0%/bin/*}/.mac/lib/mac.sh"

become codesign "$@"
