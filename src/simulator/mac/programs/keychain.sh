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
  } <"$path" || status=-25295
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

# Calls a function for every identity of the keychain at $path, with sha1, not_before, not_after, issuer, use, access, partitions, label set.
each_identity() {
  load
  [ "$status" -eq 0 ] || return 0
  while read -r kind sha1 not_before not_after issuer use access partitions label; do
    [ "$kind" != identity ] || "$1"
  done <"$path"
}

# Sets $verdict to what trust evaluation says of the identity, empty when it is valid. The lists are read once.
judge() {
  if [ -z "${trusted+set}" ]; then
    read_clock
    trusted=' ' revoked=' '
    while read -r key; do trusted="$trusted$key "; done <"$mac/trusted-issuers"
    while read -r key; do revoked="$revoked$key "; done <"$mac/revoked"
  fi
  verdict=
  case $trusted in *" $issuer "*) ;; *) verdict=CSSMERR_TP_NOT_TRUSTED && return ;; esac
  case $revoked in *" $sha1 "*) verdict=CSSMERR_TP_CERT_REVOKED && return ;; esac
  # The name is of Apple's cssmerr.h; nobody posted such a line.
  [ "$now" -ge "$not_before" ] || { verdict=CSSMERR_TP_CERT_NOT_VALID_YET && return; }
  [ "$now" -le "$not_after" ] || verdict=CSSMERR_TP_CERT_EXPIRED
}
