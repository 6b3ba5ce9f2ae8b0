# Probes: small static programs that the stage tests run inside containers to see what is to be seen from there.
PROBES := $(patsubst tests/probes/%.c,$(BUILD)/probes/%,$(wildcard tests/probes/*.c))

.PHONY: probes
probes: $(PROBES)

$(BUILD)/probes/%: tests/probes/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 -O2 -Wall -Wextra -static -o $@ $<
