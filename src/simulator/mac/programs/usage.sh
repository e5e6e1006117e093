# shellcheck shell=sh disable=SC2154
# What `security` says on stderr of a command used wrongly: synopsis and purpose; the list of options that Apple's prints between them is
# left out. Of no command at all it says less than Apple's, which lists every command.

usage() { printf 'Usage: %s %s\n        %s\n' "$command" "$1" "$2" >&2; }

case $command in
  list-keychains) usage '[-h] [-d user|system|common|dynamic] [-s [keychain...]]' 'Display or manipulate the keychain search list.' ;;
  default-keychain) usage '[-h] [-d user|system|common|dynamic] [-s [keychain]]' 'Display or set the default keychain.' ;;
  create-keychain) usage '[-hP] [-p password] [keychain...]' 'Create keychains and add them to the search list.' ;;
  delete-keychain) usage '[-h] [keychain...]' 'Delete keychains and remove them from the search list.' ;;
  lock-keychain) usage '[-h] [-a|keychain]' 'Lock the specified keychain.' ;;
  unlock-keychain) usage '[-hu] [-p password] [keychain]' 'Unlock the specified keychain.' ;;
  set-keychain-settings) usage '[-hlu] [-t timeout] [keychain]' 'Set settings for a keychain.' ;;
  show-keychain-info) usage '[keychain]' 'Show the settings for keychain.' ;;
  set-key-partition-list) usage '[-S partition-list] [-k password] [options...] [keychain]' 'Set the partition list of a key.' ;;
  find-certificate) usage '[-h] [-a] [-c name] [-e emailAddress] [-m] [-p] [-Z] [keychain...]' 'Find a certificate item.' ;;
  find-identity) usage '[-h] [-p policy] [-s string] [-v] [keychain...]' 'Find an identity (certificate + private key).' ;;
  export) usage '[-k keychain] [-t type] [-f format] [-w] [-p] [-P passphrase] [-o outfile]' 'Export items from a keychain.' ;;
  import) usage 'inputfile [-k keychain] [-t type] [-f format] [-w] [-P passphrase] [options...]' 'Import items into a keychain.' ;;
  cms) usage '[-C|-D|-E|-S] [options...]' 'Encode or decode CMS messages.' ;;
  *) printf 'Usage: security [-h] [-i] [-l] [-p prompt] [-q] [-v] [command] [opt ...]\n' ;;
esac
