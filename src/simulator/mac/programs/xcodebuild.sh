#!/bin/sh
# The simulated Mac's `xcodebuild`: its version, and -exportArchive, which Node.js does (src/simulator/mac/tool/xcodebuild.ts).
# shellcheck disable=SC1091,SC2154 # what is sourced is installed elsewhere

. "${0%/bin/*}/.mac/lib/mac.sh"

case "$*" in
  -version)
    { read -r _ && read -r _ && read -r _ && read -r version && read -r build; } <"$mac/system"
    printf 'Xcode %s\nBuild version %s\n' "$version" "$build"
    ;;
  *) become xcodebuild "$@" ;;
esac
