#!/bin/sh
# The simulated Mac's `pmset`: how long until it sleeps, in minutes, 0 for never. Not in mac-tools.md: the layout is that of outputs of a
# Mac mini on macOS 14, with the settings that matter to a build node.
# shellcheck disable=SC1091,SC2154 # what is sourced is installed elsewhere

. "${0%/bin/*}/.mac/lib/mac.sh"

{ read -r _ && read -r _ && read -r sleep; } <"$mac/system"

settings() {
  set -- womp 1 autorestart 1 powernap 0 networkoversleep 0 disksleep 0 sleep "$sleep" ttyskeepawake 1 displaysleep 0 tcpkeepalive 1
  while [ $# -gt 0 ]; do
    printf ' %-20s %s\n' "$1" "$2"
    shift 2
  done
}

case "$*" in
  -g | '-g live') printf 'System-wide power settings:\nCurrently in use:\n' && settings ;;
  '-g custom') printf 'AC Power:\n' && settings ;;
  *)
    printf 'Usage: pmset <options>\nSee pmset(1) for details: '\''man pmset'\''\n' >&2
    exit 64
    ;;
esac
