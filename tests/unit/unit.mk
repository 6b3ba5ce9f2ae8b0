# Unit tests: cmocka, built with AddressSanitizer and UBSan by both compilers.
# Each test_NAME.c is a program of its own, linked with an archive of all that is shared; a test that
# includes a .c file to reach its static functions thereby replaces that member of the archive.
UNIT_CCS      ?= gcc clang
UNIT_SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
UNIT_FLAGS     = -std=gnu17 -fPIE $(UNIT_SANITIZE) $(WARNINGS) -Wno-write-strings -Werror -DUNIT_TREE='"$(CURDIR)"' \
	-Itests/unit $(CPPFLAGS_ALL) $(shell $(PKG) --cflags $(packages) cmocka)
UNIT_LIBS      = $(shell $(PKG) --libs $(packages) cmocka)
unit_tests    := $(patsubst tests/unit/%.c,%,$(sort $(wildcard tests/unit/test_*.c)))
unit_shared   := $(filter-out shared/cli/main.c,$(shared_c))

.PHONY: unit unit-programs
unit: ## the unit tests, with sanitizers, built by gcc and by clang

define unit_rules
unit: unit-$(1)
unit-programs: $(addprefix $(BUILD)/unit-$(1)/,$(unit_tests))
.PHONY: unit-$(1)
unit-$(1): $(addprefix $(BUILD)/unit-$(1)/,$(unit_tests))
	@tests/unit/run $(1) $$^

$(BUILD)/unit-$(1)/obj/%.o: %.c
	@mkdir -p $$(@D)
	@echo "  CC    $$< ($(1), sanitizers)"
	$(Q)$(1) $$(UNIT_FLAGS) -MMD -MP -c -o $$@ $$<

$(BUILD)/unit-$(1)/shared.a: $(patsubst %.c,$(BUILD)/unit-$(1)/obj/%.o,$(unit_shared))
	$(Q)rm -f $$@ && ar rcs $$@ $$^

$(BUILD)/unit-$(1)/test_%: $(BUILD)/unit-$(1)/obj/tests/unit/test_%.o $(BUILD)/unit-$(1)/obj/tests/unit/unit.o \
		$(BUILD)/unit-$(1)/shared.a
	$(Q)$(1) $(UNIT_SANITIZE) -pie -o $$@ $$^ $$(UNIT_LIBS)

.SECONDARY: $(patsubst %,$(BUILD)/unit-$(1)/obj/tests/unit/%.o,$(unit_tests) unit)
-include $(wildcard $(BUILD)/unit-$(1)/obj/*/*/*.d)
endef
$(foreach cc,$(UNIT_CCS),$(eval $(call unit_rules,$(cc))))
