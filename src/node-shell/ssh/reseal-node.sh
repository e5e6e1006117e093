#!/bin/sh
# reseal-node: what reseal runs on a Mac that it reaches over SSH. POSIX sh and what macOS ships, nothing else.
#
#   restrict,command="/usr/local/libexec/reseal-node /usr/local/var/reseal" ssh-ed25519 AAAA...
#
# The arguments are the folders that it may write, beside the two that Xcode reads profiles from. It reads requests from stdin, one a line,
# `operation|argument|...`, and ends every answer with a line that begins with a point: `.ok|...` or `.no|what went wrong`. Lines before
# that are what a command printed, or begin with `=`. An argument is plain text, or, where it begins with `%`, in the notation of printf's %b; bytes are in base64.
# A request counts when its line is whole: a connection that drops in the middle of one changes nothing. docs/ssh.md has the operations.

# The whole is read before anything of it runs: the file may be replaced while sessions are open.
# shellcheck disable=SC2317 # it takes what comes before the last `exit` for unreachable
{
PROTOCOL=2

LC_ALL=C
export LC_ALL
umask 022
IFS=' '
NL='
'

[ $# -gt 0 ] || set -- /usr/local/var/reseal
given=
for each in "$@"; do given=$given$each$NL; done
xcode16="$HOME/Library/Developer/Xcode/UserData/Provisioning Profiles"
legacy="$HOME/Library/MobileDevice/Provisioning Profiles"

# GNU and BSD tools differ here; macOS has the latter.
if stat -c %i / >/dev/null 2>&1; then gnu=yes; else gnu=no; fi
if command -v sha256sum >/dev/null 2>&1; then sha256=sha256sum; else sha256='shasum -a 256'; fi
if printf 'YQ==' | base64 -d >/dev/null 2>&1; then decode='base64 -d'; else decode='base64 -D'; fi

# A session that was killed with its watchdog, or a host that lost its power, leaves its folder behind. The name tells whose it was.
for each in "${TMPDIR:-/tmp}"/reseal-node.*.*; do
  owner=${each##*/reseal-node.}
  owner=${owner%%.*}
  case $owner in '' | *[!0-9]*) continue ;; esac
  kill -0 "$owner" 2>/dev/null || rm -rf "$each" 2>/dev/null
done
work=$(mktemp -d "${TMPDIR:-/tmp}/reseal-node.$$.XXXXXX") || exit 70
beat=$work/beat
: >"$beat"
main=$$

# A process and all that it has started, and they, and so on.
family() {
  printf '%s ' "$1"
  ps -Ao pid=,ppid= | while read -r pid parent; do
    [ "$parent" != "$1" ] || (family "$pid")
  done
}

# What runs for longer than it may, with all that it has started. Whoever ends the session meanwhile does not end this.
end_it() {
  trap '' TERM
  # shellcheck disable=SC2046 # process ids, one word each
  set -- $(family "$1")
  kill "$@" 2>/dev/null
  sleep 2
  kill -9 "$@" 2>/dev/null
  trap 'exit 0' TERM
}

# A lock must not outlive the connection of its holder for long. When nothing was heard for about twenty seconds, the session ends itself; not
# while it is at work, for what it does then is still being done. The same look ends a command whose time is over, up to nine seconds late, so that
# no command needs a clock of its own.
LOOK=5
echo idle >"$work/state"
: >"$work/running"
(
  trap 'exit 0' TERM
  silent=0
  watched=
  : >"$work/seen"
  while sleep "$LOOK" & wait $!; do
    # A command that runs: its number in this session, its process, and the seconds that it may take.
    read -r number child limit <"$work/running" || number=
    if ! kill -0 "$main" 2>/dev/null; then
      [ -z "$number" ] || end_it "$child"
      rm -rf "$work"
      exit 0
    fi
    if [ -z "$number" ]; then watched=
    elif [ "$number" != "$watched" ]; then
      # It may have begun in this moment.
      watched=$number
      looks=$(((limit + LOOK - 1) / LOOK))
    elif [ "$looks" -gt 1 ]; then looks=$((looks - 1))
    else
      echo "$number" >"$work/expired"
      end_it "$child"
    fi
    read -r state <"$work/state" || state=idle
    if [ "$state" = busy ] || [ -n "$(find "$beat" -newer "$work/seen")" ]; then silent=0; else silent=$((silent + 1)); fi
    : >"$work/seen"
    if [ "$silent" -ge 4 ]; then
      kill "$main" 2>/dev/null
      break
    fi
  done
) </dev/null >/dev/null 2>&1 &
watchdog=$!
trap 'kill "$watchdog" 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 75' HUP TERM INT PIPE

ok() { printf '.ok%s\n' "$*"; }
no() { printf '.no|%s\n' "$(printf '%s' "$*" | tr '\n' ' ')"; }

# Runs a command; answers with what it complained of, or `ok`.
try() {
  if complaint=$("$@" 2>&1 >/dev/null); then ok; else no "$complaint"; fi
}

plain() {
  case $1 in
    %*) arg=$(printf '%b.' "${1#%}"); arg=${arg%.} ;;
    *) arg=$1 ;;
  esac
}

# Where a path really is: what is there of it, without links, and the rest of it.
real() {
  there=$1
  rest=
  while [ ! -d "$there" ] && [ -n "$there" ]; do
    rest=/${there##*/}$rest
    there=${there%/*}
  done
  there=$(cd -P -- "${there:-/}" 2>/dev/null && pwd -P) || there=
  real=${there%/}$rest
}

# Sets `path`, where its folder is one of reseal's, or in one; a link leads nowhere else. Folders above them are made where they are missing, and go
# again when they are empty.
writable() {
  plain "$1"
  path=$arg
  case $path in
    */../* | */.. | */./* | [!/]* | '')
      no 'Operation not permitted: the path is not absolute and tidy'
      return 1
      ;;
  esac
  real "${path%/*}"
  really=$real/${path##*/}
  IFS=$NL
  set -f
  for root in $real_roots; do
    case $really in "$root" | "$root"/*) break ;; esac
    case $op:$root/ in mkdir:"$really"/* | rmdir:"$really"/*) break ;; esac
    root=
  done
  set +f
  IFS=' '
  [ -z "$root" ] || return 0
  no "Operation not permitted: $path is in none of the folders that reseal-node was given"
  return 1
}

# Whether nothing is at a path for certain: a folder that may not be looked into, a disk that does not answer, is something else. Every shell says in
# the system's words why it cannot open a file; dash shortens those of one that is not there.
absent() {
  complaint=$( (: <"$1") 2>&1 ) && complaint=
  case $complaint in
    *[Nn]'o such file'* | *[Nn]'ot a directory'* | '') return 0 ;;
    *) return 1 ;;
  esac
}

# Sets `kind`; false, with a complaint, where that cannot be told.
kind() {
  complaint=
  if [ -L "$1" ]; then kind='a symbolic link'
  elif [ -f "$1" ]; then kind='file'
  elif [ -d "$1" ]; then kind='a folder'
  elif [ -e "$1" ]; then kind='a socket or pipe'
  else kind=absent; absent "$1"; fi
}

mark() {
  if [ "$gnu" = yes ]; then stat -c "$2" -- "$1"; else stat -f "$3" -- "$1"; fi
}

flush() {
  if [ "$gnu" = yes ]; then sync -- "$@"; else sync; fi
}

# Somebody else may make it at the same time.
make() { [ -d "$1" ] || mkdir -- "$1" 2>"$work/err" || [ -d "$1" ] || { cat "$work/err" >&2; return 1; }; }

# mv moves into a folder, and follows a link to one: neither is a rename.
rename() {
  if [ -L "$2" ] && [ -d "$2" ]; then rm -f -- "$2"
  elif [ -d "$2" ]; then echo "$2: Is a directory" >&2; return 1; fi
  mv -f -- "$1" "$2"
}

move() {
  if [ ! -e "$1" ] && [ ! -L "$1" ]; then echo "$1: No such file or directory" >&2; return 1; fi
  if [ -d "$2" ] && [ ! -L "$2" ]; then rm -rf -- "$2"; fi
  if [ -d "$1" ] && [ ! -L "$1" ]; then rm -rf -- "$2"; mv -f -- "$1" "$2"; else rename "$1" "$2"; fi
}

# Whether bytes may be written at a path. What the shell itself says where they may not differs from shell to shell.
open_to_bytes() {
  if [ -L "$1" ]; then echo "$1: Operation not permitted: a symbolic link"
  elif [ -d "${1%/*}" ]; then return 0
  elif [ -e "${1%/*}" ]; then echo "${1%/*}: Not a directory"
  else echo "${1%/*}: No such file or directory"; fi >&2
  return 1
}

# What only its owner may read is never anybody else's, not for a moment.
put() { open_to_bytes "$1" && (umask 077; printf '%s' "$3" | $decode >"$1" && chmod "$2" "$1" && flush "$1"); }

add() { open_to_bytes "$1" && (printf '%s' "$2" | $decode >>"$1" && flush "$1"); }

link() {
  if [ -L "$2" ] || [ -e "$2" ]; then return 1; fi
  ln -s -- "$1" "$2"
}

started() {
  if [ -r "/proc/$1/stat" ]; then
    read -r line <"/proc/$1/stat" || return 1
    # shellcheck disable=SC2086 # the fields after the command's name, which may hold spaces itself
    set -- ${line##*) }
    printf '%s' "${20}"
  else
    # shellcheck disable=SC2046 # its words, without what pads them
    set -- $(TZ=UTC ps -o lstart= -p "$1")
    printf '%s' "$*" | tr -s ' :' '--'
  fi
}

# Prints a short text, `:` before each line, `;` before one that has no end; false where it is longer. By the shell itself, and so without NUL.
lines() {
  left=$SHORT
  while IFS= read -r line; do
    left=$((left - ${#line} - 1))
    [ "$left" -ge 0 ] || return 1
    printf '=:%s\n' "$line"
  done
  [ "$left" -ge "${#line}" ] || return 1
  [ -z "$line" ] || printf '=;%s\n' "$line"
}

# The same of a file. A line may be as long as a disk, and a shell reads it whole: what takes a second is not short.
# shellcheck disable=SC3045 # dash, bash and zsh have it, and POSIX since 2024
lines_of() { (ulimit -t 1; lines <"$1"); } 2>/dev/null

# What a command printed: most is short, and needs no other program to be told.
tell() {
  [ -s "$work/$1" ] || return 0
  echo "=$1"
  if lines_of "$work/$1" >/dev/null; then lines_of "$work/$1"; else head -c "$MOST" "$work/$1" | base64; fi
}

# Runs a command of the node's own, with its time limited; its output goes to files, so that a flood of it cannot fill this shell.
run() {
  limit=$1
  input=$2
  shift 2
  case $1 in
    security | codesign | xcodebuild | sw_vers | pmset | defaults | mount | date) ;;
    *) no "Operation not permitted: $1 is no command that reseal-node runs"; return ;;
  esac
  if ! command -v "$1" >/dev/null; then
    ok '|127|no'
    return
  fi
  runs=$((runs + 1))
  : >"$work/expired"
  (
    # Plain text has no backslash, and so is the same in both notations.
    printf '%b' "${input#%}" | {
      # What runs in the background has no stdin of its own, but for one that is given to it.
      exec 3<&0
      "$@" <&3 >"$work/out" 2>"$work/err" &
      child=$!
      echo "$runs $child $limit" >"$work/running"
      wait "$child"
    }
  )
  code=$?
  : >"$work/running"
  read -r expired <"$work/expired" || expired=
  if [ "$expired" = "$runs" ]; then expired=yes; else expired=no; fi
  tell out
  tell err
  # What was printed may be somebody's secret: nothing of it waits there for the next command.
  : >"$work/out"
  : >"$work/err"
  ok "|$code|$expired"
}
runs=0
MOST=1048576
SHORT=65536

real_roots=
IFS=$NL
set -f
for each in $given "$xcode16" "$legacy"; do
  real "$each"
  real_roots=$real_roots$real$NL
done
set +f

IFS='|'
while read -r op a b c d e f g h i j k l m n o p; do
  IFS=' '
  : >"$beat"
  echo busy >"$work/state"
  if [ ! -d "$HOME" ]; then
    # A volume that is not there is no empty node.
    [ "$op" != bye ] || exit 0
    no "the home folder $HOME is not there"
    op=
  fi
  case $op in
    '') ;;
    hello) ok "|$PROTOCOL|$HOME|$main:$(started "$main")|$(id -un)" ;;
    ping) ok ;;
    now) date +%s; ok ;;
    read)
      plain "$a"
      if ! kind "$arg"; then no "$complaint"
      elif [ "$kind" = file ]; then
        if base64 <"$arg" 2>"$work/err"; then ok '|file'; else no "$(cat "$work/err")"; fi
      else ok "|$kind"; fi
      ;;
    text)
      # Whoever asks knows its digest, and so whether this is all of it.
      plain "$a"
      if [ -f "$arg" ] && [ ! -L "$arg" ] && [ -r "$arg" ]; then lines_of "$arg"; fi
      ok
      ;;
    digests)
      # Up to sixteen files at once; one process for all of them. It prints their names: none of them may be taken for an answer.
      set --
      unclear=
      for each in "$a" "$b" "$c" "$d" "$e" "$f" "$g" "$h" "$i" "$j" "$k" "$l" "$m" "$n" "$o" "$p"; do
        [ -n "$each" ] || continue
        plain "$each"
        kind "$arg" || unclear=$complaint
        case $kind:$arg in
          file:*"$NL"*) kind='a file with a line break in its name' ;;
          file:*) set -- "$@" "$arg" ;;
        esac
        echo "=$kind"
      done
      # shellcheck disable=SC2086 # a command and its options
      if [ -n "$unclear" ]; then no "$unclear"
      elif [ $# -eq 0 ] || $sha256 -- "$@" 2>"$work/err"; then ok
      else no "$(cat "$work/err")"; fi
      ;;
    list)
      plain "$a"
      if [ -d "$arg" ]; then
        if [ -r "$arg" ] && [ -x "$arg" ]; then
          for each in "$arg"/* "$arg"/.*; do
            name=${each##*/}
            case $name in . | ..) continue ;; esac
            [ -e "$each" ] || [ -L "$each" ] || continue
            case $name in
              *"$NL"*) printf '=%%%s\n' "$(printf '%s' "$name" | od -An -to1 | tr -d '\n' | sed 's/ /\\0/g')" ;;
              *) printf '=:%s\n' "$name" ;;
            esac
          done
          ok
        else no "$arg: Permission denied"; fi
      elif [ -e "$arg" ] || [ -L "$arg" ] || absent "$arg"; then ok
      else no "$complaint"; fi
      ;;
    missing)
      plain "$a"
      if [ ! -e "$arg" ] && [ ! -L "$arg" ] && ! absent "$arg"; then
        no "$complaint"
        arg=/
        op=
      fi
      while [ ! -e "$arg" ] && [ ! -L "$arg" ] && [ "$arg" != / ] && [ -n "$arg" ]; do
        printf '=%s\n' "$arg"
        arg=${arg%/*}
      done
      [ -z "$op" ] || ok
      ;;
    mkdir) if writable "$a"; then try make "$path"; fi ;;
    rmdir) if writable "$a"; then rmdir -- "$path" 2>/dev/null; ok; fi ;;
    put) if writable "$a"; then try put "$path" "$b" "$c"; fi ;;
    rename) if writable "$a"; then from=$path; if writable "$b"; then try rename "$from" "$path"; fi; fi ;;
    move) if writable "$a"; then from=$path; if writable "$b"; then try move "$from" "$path"; fi; fi ;;
    append) if writable "$a"; then try add "$path" "$b"; fi ;;
    sync)
      set --
      for each in "$a" "$b" "$c" "$d" "$e" "$f" "$g" "$h"; do
        [ -n "$each" ] || continue
        plain "$each"
        set -- "$@" "$arg"
      done
      try flush "$@"
      ;;
    extent)
      plain "$a"
      if mark "$arg" '%d.%i %s' '%d.%i %z' 2>"$work/err" || absent "$arg"; then ok; else no "$complaint"; fi
      ;;
    exists) plain "$a"; if ! kind "$arg"; then no "$complaint"; elif [ "$kind" = absent ]; then ok '|no'; else ok '|yes'; fi ;;
    tail)
      plain "$a"
      if ! kind "$arg"; then no "$complaint"
      else
        if [ "$kind" = file ]; then tail -c "+$((b + 1))" "$arg" | base64; fi
        ok
      fi
      ;;
    link)
      plain "$b"
      # It is for locks, which name a process, and for notes, which name a rotation; a path would lead out of the folders.
      case $arg in
        *[!0-9A-Za-z:._-]* | [!0-9A-Za-z]* | '') no 'Operation not permitted: that is no name of a process or a rotation' ;;
        *)
          text=$arg
          if writable "$a"; then if link "$text" "$path" 2>"$work/err"; then ok '|made'; elif [ -s "$work/err" ] && [ ! -L "$path" ]; then no "$(cat "$work/err")"; else ok '|there'; fi; fi
          ;;
      esac
      ;;
    readlink)
      plain "$a"
      if ! kind "$arg"; then no "$complaint"
      elif [ "$kind" = 'a symbolic link' ]; then
        text=$(readlink "$arg")
        case $text in *"$NL"*) ok '|=unreadable' ;; *) ok "|=$text" ;; esac
      else ok '|'; fi
      ;;
    remove) if writable "$a"; then if [ -d "$path" ] && [ ! -L "$path" ]; then no "$path: Is a directory"; else try rm -f -- "$path"; fi; fi ;;
    alive)
      # Not by a signal: the process may be somebody else's.
      if ps -p "$a" >/dev/null 2>&1; then
        now=$(started "$a")
        if [ -z "$now" ] || [ "$now" = "$b" ] || [ "$b" = unknown ]; then ok '|yes'; else ok '|no'; fi
      else ok '|no'; fi
      ;;
    run)
      set -f
      set --
      for each in "$c" "$d" "$e" "$f" "$g" "$h" "$i" "$j" "$k" "$l" "$m" "$n" "$o" "$p"; do
        [ -n "$each" ] || break
        plain "$each"
        set -- "$@" "$arg"
      done
      set +f
      run "$a" "$b" "$@"
      ;;
    bye) ok; exit 0 ;;
    *) no "unknown operation $op" ;;
  esac
  : >"$beat"
  echo idle >"$work/state"
  IFS='|'
done
exit 0
}
