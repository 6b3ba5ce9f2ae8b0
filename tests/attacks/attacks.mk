# Attacks: runtimes with one mistake each, so that an attack can be seen to work: $(BUILD)/weak/ATTACK/skiff is the
# stage that the attack's "before" names, with the mistake of its weak.mutant.
weak_names := $(patsubst tests/attacks/%/weak.mutant,%,$(wildcard tests/attacks/*/weak.mutant))

.PHONY: weak test-attacks attack-matrix
weak: $(foreach name,$(weak_names),$(BUILD)/weak/$(name)/skiff)

# weak_skiff NAME, STAGE: all objects of the stage, but for the one that is replaced.
weak_rooms = $(foreach s,$(stages),$(if $(shell [ $(firstword $(subst -, ,$(s))) -le $(1) ] && echo yes),solutions/$(s)))
define weak_rule
$(BUILD)/weak/$(1)/skiff: tests/attacks/$(1)/weak.mutant $(wildcard tests/attacks/$(1)/*.json) tests/attacks/weaken.py $(shared_o) \
		$(call object,$(filter $(addsuffix /%,$(call weak_rooms,$(2))),$(solution_c)))
	@mkdir -p $$(@D)
	@echo "  WEAK  $(1)"
	$(Q)source=$$$$(/usr/bin/env python3 tests/attacks/weaken.py $$< $$(@D)/weak.c) && \
	$(CC) $$(CPPFLAGS_ALL) $$(CFLAGS_ALL) -Wno-unused -Wno-unused-parameter -c -o $$(@D)/weak.o $$(@D)/weak.c && \
	objects= && for object in $$(filter %.o,$$^); do \
		[ $$$$object = $(BUILD)/obj/$$$${source%.c}.o ] || objects="$$$$objects $$$$object"; \
	done && $(CC) $$(LDFLAGS_ALL) -o $$@ $$(@D)/weak.o $$$$objects $$(LIBS)
endef
weak_stage = $(shell sed -n 's/.*"before": *{[^}]*"stage": *\([0-9]*\).*/\1/p' tests/attacks/$(1)/*.json)
$(foreach name,$(weak_names),$(eval $(call weak_rule,$(name),$(call weak_stage,$(name)))))

test-attacks: stages weak probes image
	@BUILD='$(abspath $(BUILD))' "$$(shared/workshop/find-python pytest)" -m pytest -q tests/attacks

attack-matrix: stages weak probes image ## every attack on every chapter's skiff, as a table (with sudo)
	@BUILD='$(abspath $(BUILD))' "$$(shared/workshop/find-python pytest)" tests/attacks/matrix.py
