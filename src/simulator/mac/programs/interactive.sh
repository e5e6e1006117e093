# shellcheck shell=sh disable=SC2154
# `security -i`: commands from stdin, a line each. A last line without its newline is dropped, the exit code is that of the last command,
# and a failure is told on stderr as `<command>: returned <OSStatus>` (SecurityTool/macOS/security.c, readline.c).

# Sets $words to the line's words, each ended by a newline: split_line of security.c. Quotes hold words together, a backslash takes the
# next character as it is, and a word ends at its closing quote.
split_words() {
  rest=$1 words='' word='' state=between
  while [ -n "$rest" ]; do
    character=${rest%"${rest#?}"}
    rest=${rest#?}
    case $state in
      between)
        case $character in
          ' ' | "$tab" | "$carriage_return") ;;
          \" | \') state=quoted quote=$character ;;
          \\) state=escaped ;;
          *) state=word word=$character ;;
        esac
        ;;
      word)
        case $character in
          ' ' | "$tab" | "$carriage_return") end_word ;;
          \\) state=escaped ;;
          *) word=$word$character ;;
        esac
        ;;
      quoted)
        case $character in
          "$quote") end_word ;;
          \\) state=quoted-escaped ;;
          *) word=$word$character ;;
        esac
        ;;
      escaped) word=$word$character state=word ;;
      quoted-escaped) word=$word$character state=quoted ;;
    esac
  done
  [ "$state" = between ] || end_word
}

end_word() {
  words="$words$word$newline" word='' state=between
}

tab=$(printf '\t')
carriage_return=$(printf '\r')

while IFS= read -r line; do
  case $line in
    *[\"\'\\]*)
      split_words "$line"
      # Unlike a bare `set`, read keeps empty words: a password may be one.
      set --
      while [ -n "$words" ]; do
        set -- "$@" "${words%%"$newline"*}"
        words=${words#*"$newline"}
      done
      ;;
    *)
      set -f
      # shellcheck disable=SC2086 # split at blanks, without globbing
      set -- $line
      set +f
      ;;
  esac
  typed=${1-}
  execute "$@"
  if [ "$result" -eq -1 ]; then
    result=0
    break
  fi
  if [ "$result" -ne 0 ] && [ -z "$quiet" ]; then printf '%s: returned %d\n' "$typed" "$result" >&2; fi
done
