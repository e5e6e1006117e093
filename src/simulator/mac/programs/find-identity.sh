# shellcheck shell=sh disable=SC2034,SC2154
# `security find-identity` (SecurityTool/macOS/identity_find.m).

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
