# lib.sh - what the attacks share; each `run` reads it first.
#
# Given by whoever starts an attack (make attack, or test_attacks.py):
#	SKIFF        the runtime under attack
#	SKIFF_ARGS   options for `skiff run`, such as --no-pivot; may be empty
#	R            a root file system to throw away: the image
#	CANARY_FILE  a file outside of R that holds one random word
#
# An attack prints that word if, and only if, it reached what it should not reach.
# shellcheck shell=bash
set -eu

: "${SKIFF:?}" "${R:?}" "${CANARY_FILE:?}"
here=$(cd "$(dirname "$0")" && pwd)
read -ra options <<<"${SKIFF_ARGS:-}"

# compile SOURCE PROGRAM: the attacker's program, static, for there are no libraries in the image.
compile() {
	"${CC:-cc}" -std=gnu17 -O2 -Wall -Wextra -static -o "$2" "$here/$1"
}

# in_container [OPTION...] COMMAND...: what the attacker may do: run a command in the container.
in_container() {
	"$SKIFF" run "${options[@]}" --rootfs "$R" "$@"
}

# What an attacker would not have: the word itself, to give it to a canary.
canary_word() {
	head -n 1 "$CANARY_FILE"
}

# end_canary PID: kills a canary process, and waits until it is gone.
end_canary() {
	kill -KILL "$1" 2>/dev/null || return 0 # the attack has killed it
	while kill -0 "$1" 2>/dev/null; do
		sleep 0.01
	done
}

# only_in_the_lab: what could hurt a machine refuses to start anywhere but in the lab VM.
only_in_the_lab() {
	[ -e /run/lab ] || { echo "this attack could hurt the machine: make vm" >&2; exit 125; }
}
