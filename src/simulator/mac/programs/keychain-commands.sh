# shellcheck shell=sh disable=SC2034,SC2094,SC2154
# The commands of `security` about one keychain: unlock, lock, settings, create, delete (SecurityTool/macOS/keychain_*.c).

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

write_header() { # ID LOCK-ON-SLEEP USE-LOCK-INTERVAL TIMEOUT
  printf 'reseal simulated keychain 1\nid %s\nlock-on-sleep %s\nuse-lock-interval %s\ntimeout %s\n' "$1" "$2" "$3" "$4"
}

random_hex() {
  random=
  for byte in $(od -An -N16 -tx1 /dev/urandom); do random=$random$byte; done
}

# Makes a keychain at $path, unlocked, with the settings that a new one has on a Mac: locked on sleep and after 300 seconds.
new_keychain() { # PASSWORD
  random_hex && id=$random
  random_hex && salt=$random
  digest_password "$salt" "$1"
  mkdir -p "${path%/*}" "$mac/keychains/$id"
  (umask 077 && mkdir -p "$mac/secrets/$id" && printf '%s %s\n' "$salt" "$digest" >"$mac/secrets/$id/password")
  write_header "$id" yes no 300 | replace "$path"
  timeout=300
  mark_unlocked
}

# With -a: who may use the items, without which there is nothing to see here. Of an item's attributes its class alone is shown.
dump_keychain() {
  acl='' OPTIND=1
  while getopts :adhir option; do
    case $option in
      a) acl=yes ;;
      *) say 'this simulated Mac dumps keychains with -a alone' && result=1 && return ;;
    esac
  done
  shift $((OPTIND - 1))
  if [ -z "$acl" ] || [ $# -ne 1 ]; then say 'this simulated Mac dumps one keychain, with -a' && result=1 && return; fi
  use_keychain SecKeychainItemCopyAccess "$1" || return
  is_locked && fail -25308 SecKeychainItemCopyAccess && return
  while read -r kind rest; do
    # shellcheck disable=SC2086 # words of a line
    set -f && set -- $rest && set +f
    case $kind in
      identity) partitions=$7 ;;
      key) partitions=$3 ;;
      *) continue ;;
    esac
    [ ! -e "$mac/faults/no-partition-list" ] || partitions=apple-tool:
    printf 'keychain: "%s"\nversion: 512\nclass: 0x00000010 \nattributes:\naccess: 2 entries\n' "$path"
    printf '    entry 0:\n        authorizations (6): decrypt derive export_clear export_wrapped mac sign\n'
    printf '        don'\''t-require-password\n        description: a key\n        applications: <null>\n'
    printf '    entry 1:\n        authorizations (1): partition_id\n        don'\''t-require-password\n'
    printf '        description: %s\n        applications: <null>\n' "$(printf %s "$partitions" | sed 's/,/, /g; s/%3A/:/g; s/^-$//')"
  done <"$path"
}
