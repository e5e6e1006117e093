#!/bin/sh
# The simulated Mac's `defaults`: whether it installs updates of macOS by itself. Not in mac-tools.md: the sentence of a missing key as people post it.
# shellcheck disable=SC1091,SC2154 # what is sourced is installed elsewhere

. "${0%/bin/*}/.mac/lib/mac.sh"

{ read -r _ && read -r _ && read -r _ && read -r _ && read -r _ && read -r installs; } <"$mac/system"
case "$*" in
  'read /Library/Preferences/com.apple.SoftwareUpdate AutomaticallyInstallMacOSUpdates') printf '%s\n' "$installs" ;;
  *)
    printf '\nThe domain/default pair of (%s, %s) does not exist\n' "${2-}" "${3-}" >&2
    exit 1
    ;;
esac
