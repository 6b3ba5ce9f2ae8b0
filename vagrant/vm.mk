# The lab VM: a Debian machine with cgroup v2 in which you are root. See vagrant/README.md.
# Included by the Makefile; also works alone: make -f vagrant/vm.mk vm

BUILD ?= build
VM_LAB := $(dir $(lastword $(MAKEFILE_LIST)))lab
VM_OPTIONS ?=
# Further options for every start, for example VM_OPTIONS='--cpus 2 --timeout 60'.

# The command as it was typed: make does not look for $ in it.
vm-run: export VM_COMMAND = $(value CMD)

.PHONY: vm vm-run vm-build vm-clean

vm: ## a root shell in the lab VM, with a copy of this tree
	@$(VM_LAB)/vm --build '$(BUILD)' $(VM_OPTIONS)

vm-run: ## CMD=...: one command in the lab VM
	@[ -n "$$VM_COMMAND" ] || { echo "usage: make vm-run CMD='command'" >&2; exit 125; }; \
	exec $(VM_LAB)/vm --build '$(BUILD)' $(VM_OPTIONS) -- "$$VM_COMMAND"

vm-build: ## make the lab VM (40 s, once)
	@$(VM_LAB)/build --build '$(BUILD)'

vm-clean: ## remove the lab VM
	rm -rf --one-file-system '$(BUILD)/vm'
