# shellcheck shell=sh
# What every program of the simulated Mac shares. Each sources it first; it finds the node's home by the program's own path
# (<home>/bin/<program>) and lets the faults that concern every program happen (src/simulator/mac/faults.ts lists them).
# Only builtins, and few forks: an inspection of a mesh runs thousands of these.

home=${0%/bin/*}
case $home in /*) ;; *) home=$PWD/$home ;; esac
program=${0##*/}
mac=$home/.mac
newline='
'

# Whether a fault is set.
fault() { [ -e "$mac/faults/$1" ]; }

# Sets $now: the node's clock in seconds since 1970, UTC. `.mac/clock` stops it at a moment; the fault clock-skew moves it.
read_clock() {
  if [ -e "$mac/clock" ]; then read -r now <"$mac/clock"; else now=$(/bin/date +%s); fi
  if fault clock-skew; then
    read -r skew <"$mac/faults/clock-skew"
    now=$((now + skew))
  fi
}

# Replaces a file whole: content on stdin.
replace() {
  cat >"$1.$$" && mv -f "$1.$$" "$1"
}

# Sets $call to what the programs that need Node.js are told on stdin: the node's home, its time, and the arguments, a line each. An
# argument list shows in `ps`, and arguments may be passwords. What the program itself was given on stdin is the child's descriptor 3.
prepare_call() {
  read_clock
  { IFS= read -r node && IFS= read -r main && IFS= read -r import; } <"$mac/node"
  call="$home$newline$now"
  for argument in "$@"; do
    case $argument in
      *"$newline"*)
        printf '%s: this simulated Mac takes no argument with a line break in it\n' "$program" >&2
        exit 1
        ;;
    esac
    call="$call$newline$argument"
  done
}

# Runs a call and comes back.
hand_over() {
  prepare_call "$@"
  { printf '%s\n' "$call" | "$node" ${import:+--import "$import"} "$main" 3<&4; } 4<&0
}

# Runs a call in the place of this program, so that whoever ends it ends the work too. Not for passwords: some shells write what stands
# here into a temporary file.
become() {
  prepare_call "$@"
  exec "$node" ${import:+--import "$import"} "$main" 3<&0 <<CALL
$call
CALL
}

# Whether a fault's list of programs, empty for all, has this one.
concerns() {
  case " $* " in "  " | *" $program "*) return 0 ;; *) return 1 ;; esac
}

for set_fault in "$mac"/faults/*; do
  case ${set_fault##*/} in
    slow)
      read -r seconds programs <"$set_fault"
      # shellcheck disable=SC2086 # a list of names
      if concerns $programs; then sleep "$seconds" >/dev/null 2>&1; fi
      ;;
    hang)
      read -r programs <"$set_fault"
      # shellcheck disable=SC2086
      if concerns $programs; then exec sleep 2147483647; fi
      ;;
    flood)
      read -r programs <"$set_fault"
      # shellcheck disable=SC2086
      if concerns $programs; then yes 'a line of the flood that this simulated Mac was told to send' | head -c 10485760; fi
      ;;
  esac
done
