#!/bin/sh
# The simulated Mac's `sw_vers`. Not in mac-tools.md: options as in its manual page, the layout as in outputs of macOS 11 and later.
# shellcheck disable=SC1091,SC2154 # what is sourced is installed elsewhere

. "${0%/bin/*}/.mac/lib/mac.sh"

{ read -r version && read -r build; } <"$mac/system"
case ${1-} in
  '') printf 'ProductName:\t\tmacOS\nProductVersion:\t\t%s\nBuildVersion:\t\t%s\n' "$version" "$build" ;;
  -productName | --productName) printf 'macOS\n' ;;
  -productVersion | --productVersion) printf '%s\n' "$version" ;;
  -buildVersion | --buildVersion) printf '%s\n' "$build" ;;
  *)
    printf 'Usage: sw_vers [--help|--productName|--productVersion|--productVersionExtra|--buildVersion]\n' >&2
    exit 1
    ;;
esac
