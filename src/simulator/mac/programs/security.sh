#!/bin/sh
# The simulated Mac's `security`: reads and prints as Apple's does (Security-61901, SecurityTool/macOS; mac-tools.md).
# What is asked often is answered here; what needs cryptography or certificates is handed over to Node.js (src/simulator/mac/tool/).
# The state is described in src/simulator/mac/state.ts.
# shellcheck disable=SC1091,SC2034,SC2094,SC2154,SC2317 # what is sourced is installed elsewhere, and replace() writes a file of its own first

. "${0%/bin/*}/.mac/lib/mac.sh"
. "$mac/lib/keychain.sh"

say() { printf 'security: %s\n' "$1" >&2; }

# The sentences of SecBase.h for the codes that this program answers with.
explain() {
  case $1 in
    -25293) sentence='The user name or passphrase you entered is not correct.' ;;
    -25294) sentence='The specified keychain could not be found.' ;;
    -25295) sentence='The specified keychain is not a valid keychain file.' ;;
    -25296) sentence='A keychain with the same name already exists.' ;;
    -25307) sentence='A default keychain could not be found.' ;;
    -25308) sentence='User interaction is not allowed.' ;;
    *) sentence="error $1" ;;
  esac
}

# fail CODE CALL [NAME]: the command's result is the code.
fail() {
  result=$1
  explain "$1"
  say "$2${3:+ $3}: $sentence"
}

# What BSD's getopt says of the option $OPTARG; $1 is `:` for one without its argument.
bad_option() {
  case $1 in
    :) say "option requires an argument -- $OPTARG" ;;
    \?) case $OPTARG in h) ;; *) say "illegal option -- $OPTARG" ;; esac ;;
  esac
  result=2
}

# Apple's table, in its order: the first name that begins with what was typed is the command.
known='help list-keychains list-smartcards default-keychain login-keychain create-keychain delete-keychain lock-keychain unlock-keychain
set-keychain-settings set-keychain-password show-keychain-info dump-keychain create-keypair add-generic-password add-internet-password
add-certificates find-generic-password delete-generic-password set-generic-password-partition-list find-internet-password
delete-internet-password set-internet-password-partition-list find-key set-key-partition-list find-certificate find-identity
delete-certificate delete-identity set-identity-preference get-identity-preference create-db export import export-smartcard cms
install-mds add-trusted-cert remove-trusted-cert dump-trust-settings user-trust-settings-enable trust-settings-export
trust-settings-import verify-cert authorize authorizationdb execute-with-privileges leaks error'

# Runs one command; $result is its OSStatus.
execute() {
  result=0
  [ $# -gt 0 ] || return
  typed=$1 command=
  for name in $known; do
    case $name in "$typed"*) command=$name && break ;; esac
  done
  shift
  case $command in
    list-keychains | default-keychain) . "$mac/lib/keychain-lists.sh" ;;
    *-keychain | set-keychain-settings | show-keychain-info) . "$mac/lib/keychain-commands.sh" ;;
    find-identity) . "$mac/lib/find-identity.sh" ;;
  esac
  case $command in
    list-keychains) list_keychains "$@" ;;
    default-keychain) default_keychain "$@" ;;
    create-keychain) create_keychain "$@" ;;
    delete-keychain) delete_keychain "$@" ;;
    lock-keychain) lock_keychain "$@" ;;
    unlock-keychain) unlock_keychain "$@" ;;
    set-keychain-settings) set_keychain_settings "$@" ;;
    show-keychain-info) show_keychain_info "$@" ;;
    dump-keychain) dump_keychain "$@" ;;
    find-identity) find_identity "$@" ;;
    set-key-partition-list | find-certificate | import | export | cms)
      hand_over security "$command" "$@" || result=$?
      # An exit code is one byte; this command's result is an OSStatus, the others' are small numbers.
      if [ "$command" = find-certificate ] && [ "$result" -eq 44 ]; then result=-25300; fi
      ;;
    '') say "unknown command \"$typed\"" && result=1 ;;
    *) say "this simulated Mac has no $command" && result=1 ;;
  esac
  [ "$result" -ne 2 ] || . "$mac/lib/usage.sh"
}

interactive='' quiet='' OPTIND=1
while getopts :hilp:qvR option; do
  case $option in
    i | p) interactive=yes ;;
    q) quiet=yes ;;
    l | v | R) ;;
    *) bad_option "$option" && command='' && . "$mac/lib/usage.sh" && exit 2 ;;
  esac
done
shift $((OPTIND - 1))
result=0
if [ $# -gt 0 ]; then
  execute "$@"
elif [ -n "$interactive" ]; then
  . "$mac/lib/interactive.sh"
else
  command='' result=2
  . "$mac/lib/usage.sh"
fi
exit $((result & 255))
