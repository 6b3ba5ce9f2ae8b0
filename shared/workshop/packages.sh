#!/bin/sh
# packages.sh [build|test|vm|peers|all]... [--check]
#
# Installs what skiff needs and the system lacks. The needs are in packages.table (and, for the lab
# VM, in vagrant/lab/packages). If nothing is missing, nothing is run.
#   --check   only say what is missing: exit 0 if nothing is, 1 otherwise
# `peers` (other runtimes, to be measured beside skiff) are welcome, never required.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
table=$here/packages.table
vm_list=$top/vagrant/lab/packages
tab=$(printf '\t')

say() { echo "packages: $*" >&2; }

# --- what is asked for ---

groups=
check_only=
for word; do
	case $word in
	build | test | vm | peers) groups="$groups $word" ;;
	all) groups="build test vm peers" ;;
	--check) check_only=yes ;;
	*)
		say "$word: not a group of packages"
		echo "hint: packages.sh [build|test|vm|peers|all]... [--check]" >&2
		exit 2
		;;
	esac
done
groups=${groups:-build}

# --- which package manager is here ---

manager=
column=3 # of the table; Debian's names serve best where no manager is known
if command -v apt-get >/dev/null; then
	manager=apt-get column=3
elif command -v dnf >/dev/null; then
	manager=dnf column=4
elif command -v pacman >/dev/null; then
	manager=pacman column=5
elif command -v zypper >/dev/null; then
	manager=zypper column=6
fi

# The command that installs packages. It never asks, and brings no more than is needed.
install_command() {
	case $manager in
	apt-get) echo "apt-get install -y --no-install-recommends" ;;
	dnf) echo "dnf install -y --setopt=install_weak_deps=False" ;;
	pacman) echo "pacman -S --needed --noconfirm" ;;
	zypper) echo "zypper --non-interactive install --no-recommends" ;;
	esac
}

# --- is a need met? ---

has_command() {
	command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]
}

has_header() {
	for directory in /usr/include /usr/include/*-linux-*; do
		[ ! -e "$directory/$1" ] || return 0
	done
	return 1
}

# gcc prints the bare name of a library that it does not find.
gcc_finds() {
	case $(gcc -print-file-name="$1" 2>/dev/null) in
	/*) return 0 ;;
	*) return 1 ;;
	esac
}

clang_has() {
	for library in /usr/lib*/clang/*/lib/*/libclang_rt."$1"* \
		/usr/lib*/llvm*/lib*/clang/*/lib/*/libclang_rt."$1"*; do
		[ ! -e "$library" ] || return 0
	done
	return 1
}

is_met() {
	case $1 in
	cmd:*) has_command "${1#*:}" ;;
	header:*) has_header "${1#*:}" ;;
	pc:*) pkg-config --exists "${1#*:}" 2>/dev/null ;;
	gcc:*) gcc_finds "${1#*:}" ;;
	clang:*) clang_has "${1#*:}" ;;
	python:*) "$here/find-python" "${1#*:}" >/dev/null 2>&1 ;;
	static:busybox) "$top/shared/images/find-busybox" >/dev/null 2>&1 ;;
	*)
		say "packages.table: $1: no such kind of need"
		exit 2
		;;
	esac
}

# --- what is missing: lines of NEED<tab>PACKAGE ---

missing_of_table() {
	awk -v group="$1" -v column="$column" \
		'$1 == group { print $2 "\t" $column }' "$table" |
		while IFS=$tab read -r need package; do
			is_met "$need" || echo "$need$tab$package"
		done
}

# The lab VM is built from Debian packages, with Debian's tools: a need is a package.
missing_of_vm() {
	[ -e "$vm_list" ] || return 0
	packages=$(sed 's/#.*//' "$vm_list")
	if ! command -v dpkg-query >/dev/null; then
		for package in $packages; do
			echo "the lab VM$tab-"
		done | head -n 1
		return 0
	fi
	# shellcheck disable=SC2086 # one word, one package
	installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $packages 2>/dev/null |
		sed -n 's/^installed //p') || : # house: dpkg-query fails for packages it does not know
	for package in $packages; do
		echo "$installed" | grep -qx "$package" || echo "deb:$package$tab$package"
	done
}

missing_of() {
	for group; do
		case $group in
		vm) missing_of_vm ;;
		*) missing_of_table "$group" ;;
		esac
	done
}

package_names() { # of lines of NEED<tab>PACKAGE, each once, on one line
	cut -f 2 | grep -vx -e - | sort -u | paste -s -d ' ' -
}

print_needs() {
	while IFS=$tab read -r need package; do
		[ "$package" != - ] || package="(no package is known here)"
		case $need in
		cmd:*) what="the command ${need#*:}" ;;
		header:*) what="the C header ${need#*:}" ;;
		pc:*) what="the C library ${need#*:} (pkg-config)" ;;
		gcc:*) what="gcc's ${need#*:}" ;;
		clang:*) what="clang's address sanitizer" ;;
		python:sys) what="Python 3.9 or later" ;;
		python:*) what="the Python module ${need#*:}" ;;
		static:*) what="a statically linked ${need#*:}" ;;
		deb:*) what="the package ${need#*:} (for the lab VM)" ;;
		*) what=$need ;;
		esac
		printf '  %-42s  %s\n' "$what" "$package"
	done >&2
}

# --- install ---

run_quietly() { # output goes to $log
	echo "+ $*" >>"$log"
	DEBIAN_FRONTEND=noninteractive "$@" >>"$log" 2>&1 </dev/null
}

install() { # package names
	if [ "$manager" = apt-get ] && [ -z "${updated:-}" ]; then
		updated=yes
		# An unreachable third-party source fails the update; what we need may be there.
		run_quietly apt-get -q update || say "apt-get update failed; going on"
	fi
	options=
	[ "$manager" != apt-get ] || options="-q -o DPkg::Lock::Timeout=120"
	# shellcheck disable=SC2046,SC2086 # words are wanted
	run_quietly $(install_command) $options "$@"
}

required=$(echo " $groups " | sed 's/ peers / /')
# shellcheck disable=SC2086 # words are wanted
missing=$(missing_of $required)
wished=
case " $groups " in *" peers "*) wished=$(missing_of peers) ;; esac
[ -n "$missing$wished" ] || exit 0

# shellcheck disable=SC2086
packages=$(echo "$missing" | package_names)
peers=$(echo "$wished" | package_names)

if [ -n "$check_only" ]; then
	say "missing:"
	printf '%s\n' "$missing" "$wished" | sed '/^$/d' | print_needs
	[ -z "$missing" ] || exit 1
	exit 0
fi

if [ -z "$manager" ]; then
	say "this system has none of apt, dnf, pacman, zypper. Please install, by your own means"
	say "(on the right the name of Debian's package, as a help):"
	printf '%s\n' "$missing" "$wished" | sed '/^$/d' | print_needs
	[ -z "$missing" ] || exit 1
	exit 0
fi

if [ "$(id -u)" -ne 0 ]; then
	[ -n "$missing" ] || exit 0
	say "missing, and only root can install it:"
	echo "$missing" | print_needs
	[ -z "$packages" ] || echo "hint: sudo $(install_command) $packages" >&2
	exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
trap 'exit 130' INT TERM

if [ -n "$packages" ]; then
	say "installing with $manager: $packages"
	# shellcheck disable=SC2086 # words are wanted
	if ! install $packages; then
		cat "$log" >&2
		say "$manager failed, see above"
		exit 1
	fi
fi
for package in $peers; do
	install "$package" || say "$package: could not be installed; it is not required"
done

# shellcheck disable=SC2086 # words are wanted
missing=$(missing_of $required)
if [ -n "$missing" ]; then
	say "still missing:"
	echo "$missing" | print_needs
	exit 1
fi
