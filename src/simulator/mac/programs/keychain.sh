# shellcheck shell=sh disable=SC2034,SC2154
# Keychains of the simulated Mac as its programs read them (src/simulator/mac/state.ts describes the files).
# Functions answer in variables: a substitution would cost a fork.

# Sets $path to the file that a name stands for: StorageManager::make and mungeDLDbIdentifier. The node's root is its home, so
# /Library/Keychains is ~/Library/Keychains here.
resolve() {
  case $1 in
    /Library/Keychains/*) path=$home$1 ;;
    /*) path=$1 ;;
    *) path=$home/Library/Keychains/$1 ;;
  esac
  case $path in
    "$home"/Library/Keychains/*-db | "$home/Library/Keychains/System.keychain") ;;
    "$home"/Library/Keychains/*) if [ -e "$path-db" ] || [ ! -e "$path" ]; then path=$path-db; fi ;;
  esac
}

# Sets $paths, a line each: the user's search list, then what all users have. Domain `all` is what searches go through.
search_list() {
  paths=
  case $1 in
    all | user) while IFS= read -r listed; do paths="$paths$listed$newline"; done <"$mac/search-list" ;;
  esac
  case $1 in
    all | system | common) paths="$paths$home/Library/Keychains/System.keychain$newline" ;;
  esac
}

# Reads the header of the keychain at $path; $status is 0 or an OSStatus.
load() {
  status=0
  [ -e "$path" ] || { status=-25294 && return; }
  {
    IFS= read -r magic && [ "$magic" = 'reseal simulated keychain 1' ] && read -r _ id && read -r _ lock_on_sleep &&
      read -r _ use_lock_interval && read -r _ timeout
  } <"$path" || { status=-25295 && return; }
  case $id in '' | *[!0-9a-f]*) status=-25295 ;; esac
}

# Whether the loaded keychain is locked: never unlocked, or for longer than its timeout since it was last used. The daemon's timer knows only
# the timeout, not use-lock-interval (securityd, KeychainDbCommon::activity).
is_locked() {
  fault locked-for-good && return 0
  [ -e "$mac/unlocked/$id" ] || return 0
  [ "$timeout" != never ] || return 1
  read -r since <"$mac/unlocked/$id" || return 0
  read_clock
  [ $((now - since)) -ge "$timeout" ]
}

# Unlocks the loaded keychain from now on.
mark_unlocked() {
  read_clock
  printf '%s\n' "$now" | replace "$mac/unlocked/$id"
}

# Sets $digest: SHA-256 in hexadecimal of salt and password, both by a builtin and a pipe, so that neither shows in `ps`.
digest_password() { # SALT PASSWORD
  if command -v sha256sum >/dev/null; then digest=$(printf '%s' "$1$2" | sha256sum); else digest=$(printf '%s' "$1$2" | shasum -a 256); fi
  digest=${digest%% *}
}

# Whether this is the password of the loaded keychain.
is_password() {
  read -r salt expected <"$mac/secrets/$id/password" || return 1
  digest_password "$salt" "$1"
  [ "$digest" = "$expected" ]
}
