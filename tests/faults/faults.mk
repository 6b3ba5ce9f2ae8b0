# Faults: the program that makes one system call of a run fail.
.PHONY: fault test-faults
fault: $(BUILD)/faults/fault

# The names of the system calls, from the kernel's own header.
$(BUILD)/faults/calls.h: tests/faults/faults.mk
	@mkdir -p $(@D)
	$(Q)echo '#include <asm/unistd.h>' | $(CC) -E -dM - | \
		sed -n 's/^#define __NR_\([a-z][a-z0-9_]*\) .*/[__NR_\1] = "\1",/p' | \
		grep -v -e syscalls -e arch_specific >$@

$(BUILD)/faults/fault: tests/faults/fault.c $(BUILD)/faults/calls.h
	@echo "  CC    $<"
	$(Q)$(CC) -std=gnu17 -D_GNU_SOURCE -O2 $(WARNINGS) $(WERROR) -Wno-override-init -I$(BUILD)/faults -o $@ $<

test-faults: build fault probes image
	@BUILD='$(abspath $(BUILD))' "$$(shared/workshop/find-python pytest)" -m pytest -q tests/faults
