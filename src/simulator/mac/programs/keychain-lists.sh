# shellcheck shell=sh disable=SC2034,SC2094,SC2154
# The commands of `security` about the search list and the default keychain (SecurityTool/macOS/keychain_list.c).

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
