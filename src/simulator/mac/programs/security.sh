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

# Loads the keychain that a command names, or the default one; false, with the failure told, where there is none.
use_keychain() { # CALL [NAME]
  if [ $# -eq 2 ]; then
    resolve "$2"
  elif [ -s "$mac/default-keychain" ]; then
    IFS= read -r path <"$mac/default-keychain"
  else
    fail -25307 "$1" '<NULL>'
    return 1
  fi
  load
  [ "$status" -eq 0 ] && return 0
  fail "$status" "$1" "${2-<NULL>}"
  return 1
}

# At most one keychain may be named, and not by an empty name.
one_name() {
  [ $# -eq 0 ] && return 0
  [ $# -eq 1 ] && [ -n "$1" ] && return 0
  result=2
  return 1
}

# Asks for a password as getpass does where there is no terminal: the prompt on stderr, the answer from stdin.
prompt() {
  printf 'password to unlock %s: ' "${1:-default}" >&2
  password=
  IFS= read -r password || [ -n "$password" ]
}

unlock_keychain() {
  given='' use_password=yes password='' OPTIND=1
  while getopts :hp:u option; do
    case $option in
      p) given=yes password=$OPTARG ;;
      u) use_password='' ;;
      *) bad_option "$option" && return ;;
    esac
  done
  shift $((OPTIND - 1))
  one_name "$@" || return
  if [ -z "$given" ] && [ -n "$use_password" ]; then prompt "$@" || { result=-1 && return; }; fi
  use_keychain SecKeychainUnlock "$@" || return
  fault locked-for-good && fail -25308 SecKeychainUnlock "${1-<NULL>}" && return
  # An open keychain does not look at the password (securityd, KeychainDatabase::makeUnlocked).
  is_locked || return
  [ -n "$use_password" ] || { fail -25308 SecKeychainUnlock "${1-<NULL>}" && return; }
  if is_password "$password"; then mark_unlocked; else fail -25293 SecKeychainUnlock "${1-<NULL>}"; fi
}

lock_keychain() {
  all='' OPTIND=1
  while getopts :ah option; do
    case $option in a) all=yes ;; *) bad_option "$option" && return ;; esac
  done
  shift $((OPTIND - 1))
  if [ -n "$all" ]; then
    [ $# -eq 0 ] || { result=2 && return; }
    rm -f "$mac"/unlocked/*
    return
  fi
  one_name "$@" || return
  use_keychain SecKeychainLock "$@" || return
  rm -f "$mac/unlocked/$id"
}

show_keychain_info() {
  OPTIND=1
  while getopts : option; do bad_option "$option" && return; done
  shift $((OPTIND - 1))
  one_name "$@" || return
  use_keychain SecKeychainCopySettings "$@" || return
  is_locked && fail -25308 SecKeychainCopySettings "${1-<NULL>}" && return
  flags=
  [ "$lock_on_sleep" = yes ] && flags=' lock-on-sleep'
  [ "$use_lock_interval" = yes ] && flags="$flags use-lock-interval"
  if [ "$timeout" = never ]; then flags="$flags no-timeout"; else flags="$flags timeout=${timeout}s"; fi
  printf 'Keychain "%s"%s\n' "${1-<NULL>}" "$flags" >&2
}

set_keychain_settings() {
  new_sleep=no new_timeout=never new_interval=no OPTIND=1
  while getopts :hlt:u option; do
    case $option in
      l) new_sleep=yes ;;
      # -t implies -u, and without it there is no timeout whatever -u says.
      t) new_timeout=$OPTARG new_interval=yes ;;
      u) ;;
      *) bad_option "$option" && return ;;
    esac
  done
  shift $((OPTIND - 1))
  # As atoi reads it.
  case $new_timeout in never) ;; *[!0-9]* | '') new_timeout=0 ;; esac
  one_name "$@" || return
  use_keychain SecKeychainSetSettings "$@" || return
  is_locked && fail -25308 SecKeychainSetSettings "${1-<NULL>}" && return
  { write_header "$id" "$new_sleep" "$new_interval" "$new_timeout" && tail -n +6 "$path"; } | replace "$path"
  mark_unlocked
}

# The domain's name may be shortened, as in Apple's parse_domain.
parse_domain() {
  for domain in user system common dynamic; do
    case $domain in "$1"*) return 0 ;; esac
  done
  say "Invalid domain: $1"
  result=2
  return 1
}

list_keychains() {
  domain=all set='' OPTIND=1
  while getopts :d:hs option; do
    case $option in
      d) parse_domain "$OPTARG" || return ;;
      s) set=yes ;;
      *) bad_option "$option" && return ;;
    esac
  done
  shift $((OPTIND - 1))
  if [ -n "$set" ]; then
    case $domain in all | user) ;; *) say "this simulated Mac sets the search list of the user only, not of $domain" && result=1 && return ;; esac
    for name in "$@"; do resolve "$name" && printf '%s\n' "$path"; done | replace "$mac/search-list"
    return
  fi
  [ $# -eq 0 ] || { result=2 && return; }
  search_list "$domain"
  while IFS= read -r path; do [ -z "$path" ] || printf '    "%s"\n' "$path"; done <<LIST
$paths
LIST
}

default_keychain() {
  domain=user set='' OPTIND=1
  while getopts :d:hs option; do
    case $option in
      d) parse_domain "$OPTARG" || return ;;
      s) set=yes ;;
      *) bad_option "$option" && return ;;
    esac
  done
  shift $((OPTIND - 1))
  [ "$domain" = user ] || { say "this simulated Mac has a default keychain of the user only, not of $domain" && result=1 && return; }
  if [ -n "$set" ]; then
    [ $# -le 1 ] || { result=2 && return; }
    path=
    [ $# -eq 0 ] || resolve "$1"
    printf '%s\n' "$path" | replace "$mac/default-keychain"
    return
  fi
  [ $# -eq 0 ] || { result=2 && return; }
  path=
  [ ! -e "$mac/default-keychain" ] || IFS= read -r path <"$mac/default-keychain"
  if [ -n "$path" ]; then printf '    "%s"\n' "$path"; else fail -25307 SecKeychainCopyDefault && result=1; fi
}

find_identity() {
  valid_only='' matching='' wanted='' OPTIND=1
  while getopts :hp:s:v option; do
    case $option in
      p)
        case $OPTARG in
          codesigning | basic) wanted="$wanted $OPTARG" ;;
          ssl-client | ssl-server | smime | eap | ipsec | ichat | sys-default | sys-kerberos-kdc | appleID | macappstore)
            say "this simulated Mac knows the policies codesigning and basic, not $OPTARG" && result=1 && return ;;
          *) result=2 && return ;;
        esac
        ;;
      s) matching=$OPTARG ;;
      v) valid_only=yes ;;
      *) bad_option "$option" && return ;;
    esac
  done
  shift $((OPTIND - 1))
  if [ $# -eq 0 ]; then search_list all; else
    paths=
    for name in "$@"; do resolve "$name" && paths="$paths$path$newline"; done
  fi
  [ -z "$matching" ] || printf 'Looking for identities matching "%s"\n' "$matching"
  # In the order of Apple's table, not of the arguments.
  case " ${wanted:-basic} " in *' codesigning '*) print_identities codesigning 'Code Signing' ;; esac
  case " ${wanted:-basic} " in *' basic '*) print_identities basic 'X.509 Basic' ;; esac
}

print_identities() { # POLICY TITLE
  all='' valid='' number=0 number_valid=0
  policy=$1
  while IFS= read -r path; do
    [ -z "$path" ] || each_identity add_row
  done <<LIST
$paths
LIST
  if [ -z "$valid_only" ]; then
    printf '\nPolicy: %s\n  Matching identities\n%s     %d identities found\n\n  Valid identities only\n' "$2" "$all" "$number"
  fi
  printf '%s     %d valid identities found\n' "$valid" "$number_valid"
}

# printf cannot write to a variable without a fork in POSIX sh: numbers are padded by hand.
pad() {
  case $1 in ?) padded="  $1" ;; ??) padded=" $1" ;; *) padded=$1 ;; esac
}

add_row() {
  case $policy:$use in codesigning:any) return ;; esac
  judge
  row="$sha1 \"$label\"${verdict:+ ($verdict)}$newline"
  number=$((number + 1))
  pad "$number"
  all="$all$padded) $row"
  # Apple's -v may list and count what is revoked or expired all the same (mac-tools.md).
  case $verdict in
    '') ;;
    CSSMERR_TP_CERT_REVOKED | CSSMERR_TP_CERT_EXPIRED) fault stale-listed || return ;;
    *) return ;;
  esac
  number_valid=$((number_valid + 1))
  pad "$number_valid"
  valid="$valid$padded) $row"
}

create_keychain() {
  given='' password='' OPTIND=1
  while getopts :hp:P option; do
    case $option in
      p) given=yes password=$OPTARG ;;
      P) fail -25308 SecKeychainCreate && return ;;
      *) bad_option "$option" && return ;;
    esac
  done
  shift $((OPTIND - 1))
  [ $# -gt 0 ] || { say 'this simulated Mac does not ask which keychain to create' && result=1 && return; }
  [ -n "$given" ] || ask_new_password || { result=1 && return; }
  for name in "$@"; do
    resolve "$name"
    if [ -e "$path" ]; then fail -25296 SecKeychainCreate "$name" && return; fi
    new_keychain "$password"
    # As StorageManager::created does; the tool's help says so too.
    [ -s "$mac/default-keychain" ] || printf '%s\n' "$path" | replace "$mac/default-keychain"
    { cat "$mac/search-list" && printf '%s\n' "$path"; } | replace "$mac/search-list"
  done
}

ask_new_password() {
  printf 'password for new keychain: ' >&2
  IFS= read -r password || return 1
  printf 'retype password for new keychain: ' >&2
  IFS= read -r again && [ "$password" = "$again" ] && return 0
  printf "passwords don't match\n" >&2
  return 1
}

delete_keychain() {
  OPTIND=1
  while getopts :h option; do bad_option "$option" && return; done
  shift $((OPTIND - 1))
  [ $# -gt 0 ] || { fail -25295 SecKeychainDelete && return; }
  for name in "$@"; do
    resolve "$name"
    load
    [ "$status" -eq 0 ] || { fail "$status" SecKeychainDelete && return; }
    while IFS= read -r listed; do [ "$listed" = "$path" ] || printf '%s\n' "$listed"; done <"$mac/search-list" | replace "$mac/search-list"
    if [ -e "$mac/default-keychain" ] && IFS= read -r listed <"$mac/default-keychain" && [ "$listed" = "$path" ]; then
      rm -f "$mac/default-keychain"
    fi
    rm -rf "$path" "$mac/unlocked/$id" "$mac/secrets/$id" "$mac/keychains/$id"
  done
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
    list-keychains) list_keychains "$@" ;;
    default-keychain) default_keychain "$@" ;;
    create-keychain) create_keychain "$@" ;;
    delete-keychain) delete_keychain "$@" ;;
    lock-keychain) lock_keychain "$@" ;;
    unlock-keychain) unlock_keychain "$@" ;;
    set-keychain-settings) set_keychain_settings "$@" ;;
    show-keychain-info) show_keychain_info "$@" ;;
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
