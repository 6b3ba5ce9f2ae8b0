# The gate: `make lint`. Nothing here changes a file; every finding is an error.
# What skiff itself does under sanitizers and valgrind is in sanitize.mk, the unit tests in unit.mk.
lint_c       = $(filter-out chapters/%.c,$(sort $(wildcard shared/*/*.c solutions/*/*.c tests/*/*.c tests/*/*/*.c vagrant/*/*.c)))
lint_h       = $(sort $(wildcard shared/*/*.h chapters/*/*.h tests/*/*.h vagrant/*/*.h))
lint_flags   = -std=gnu17 -DUNIT_TREE='"."' -DSKIFF_REPORTS='"/dev/null"' -Itests/unit -I$(BUILD)/faults $(CPPFLAGS_ALL) $(shell $(PKG) --cflags $(packages) cmocka)
lint_python  = $(shell shared/workshop/find-python sys)
lint_targets := lint-gcc lint-clang lint-format lint-tidy lint-shell lint-python lint-links lint-house

.PHONY: lint lint-flags $(lint_targets)
lint: ## warnings of both compilers, clang-format, clang-tidy, shellcheck, links, house rules
	@$(MAKE) --no-print-directory -j$(shell nproc) -k $(lint_targets)
	@echo "lint: nothing to complain about"

# Everything that is C, by both compilers, in build directories of their own.
lint-gcc lint-clang: lint-%:
	@$(MAKE) --no-print-directory --silent BUILD=$(BUILD)/lint/$* CC='$* -Werror' UNIT_CCS=$* build stages probes \
		bench-programs unit-programs fault lint-others
	@echo "lint: all of it compiles without a warning ($*)"

# C that no rule of the Makefile builds: attacks are built by their tests, the lab's init by its own script.
lint_others = $(filter tests/attacks/% vagrant/%,$(lint_c))
.PHONY: lint-others
lint-others:
	$(Q)for file in $(lint_others); do \
		$(CC) -std=gnu17 -O2 $(WARNINGS) -c -o /dev/null $$file || exit 1; \
	done

lint-format:
	@clang-format --dry-run -Werror $(lint_c) $(lint_h)
	@echo "lint: $(words $(lint_c) $(lint_h)) files are formatted as .clang-format says"

# A stamp for each file: a second run looks only at what has changed.
lint-tidy: $(patsubst %.c,$(BUILD)/lint/tidy/%.ok,$(lint_c))
	@echo "lint: $(words $(lint_c)) files without a finding of clang-tidy"
$(BUILD)/lint/tidy/%.ok: %.c $(lint_h) .clang-tidy
	@mkdir -p $(@D)
	@clang-tidy --quiet $< -- $(lint_flags) 2>$@.log || { grep -v 'warnings generated' $@.log; exit 1; }
	@touch $@

# What it includes is made from the kernel's header.
$(BUILD)/lint/tidy/tests/faults/fault.ok: | $(BUILD)/faults/calls.h

lint-shell:
	@$(lint_python) tests/lint/list.py shell | xargs -d '\n' shellcheck -x
	@echo "lint: $$($(lint_python) tests/lint/list.py shell | wc -l) shell scripts without a finding of shellcheck"

lint-python:
	@$(lint_python) tests/lint/list.py python | xargs -d '\n' $(lint_python) tests/lint/compile.py

lint-links:
	@$(lint_python) tests/lint/links.py

lint-house:
	@$(lint_python) tests/lint/house.py

# For the test of the gate itself.
lint-flags:
	$(info $(CPPFLAGS_ALL) $(CFLAGS_ALL) -Werror)
	@:
