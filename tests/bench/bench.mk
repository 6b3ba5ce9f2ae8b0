# The benchmark: ratios within one run, never seconds. `make test` only checks that it runs.
bench_programs := $(BUILD)/bench/floor $(BUILD)/bench/floor-dynamic

.PHONY: bench bench-programs
bench-programs: $(bench_programs)

bench: build stages image bench-programs ## skiff's start against the floor and its peers; its memory (ARGS=--json)
	@"$$(shared/workshop/find-python sys)" tests/bench/bench.py --build '$(BUILD)' $(ARGS)

# The floor is linked statically: a loader is nothing that a start could not do without.
$(BUILD)/bench/floor: tests/bench/floor.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -O2 $(WARNINGS) -static -o $@ $<

$(BUILD)/bench/floor-dynamic: tests/bench/floor.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -O2 $(WARNINGS) -o $@ $<
