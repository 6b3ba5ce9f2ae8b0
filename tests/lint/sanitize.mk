# skiff itself under AddressSanitizer, UBSan and LeakSanitizer, and under valgrind.
# clang, because its runtime is one: gcc's libasan and libubsan each have reports of their own.
ASAN         := $(BUILD)/asan
asan_reports := $(abspath $(ASAN))/reports
asan_stage   := $(lastword $(stage_nos))
asan_skiff   := $(ASAN)/stage-$(asan_stage)/skiff
asan_flags    = $(CPPFLAGS_ALL) -std=gnu17 -g -O1 -fPIE -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all $(WARNINGS) -Werror -DSKIFF_REPORTS='"$(asan_reports)"'
VALGRIND     := $(BUILD)/valgrind
planted_wraps := --wrap=process_exec,--wrap=process_wait

.PHONY: asan asan-test valgrind valgrind-test
asan: $(ASAN)/reports.o $(ASAN)/plant.o ## skiff with sanitizers: build/asan/stage-NN/skiff
	@$(MAKE) --no-print-directory --silent BUILD=$(ASAN) CC=clang SANITIZE=address,undefined \
		LDFLAGS='-Wl,$(planted_wraps) $(abspath $(ASAN)/reports.o $(ASAN)/plant.o)' stages

# What was linked with an older one is linked again.
$(ASAN)/%.o: tests/lint/%.c
	@mkdir -p $(ASAN)
	$(Q)rm -f $(ASAN)/stage-*/skiff
	$(Q)clang $(asan_flags) -c -o $@ $<

# First that a planted mistake is reported, also from inside a container; then the stage tests.
asan-test: asan probes image ## the stage tests with sanitizers; no report may get lost
	@"$$(shared/workshop/find-python)" tests/lint/asan_test.py --skiff $(asan_skiff) --stage $(asan_stage) \
		--reports $(asan_reports) --image $(BUILD)/images/busybox/rootfs --probes $(abspath $(BUILD))/probes

# valgrind replaces malloc(3), for which skiff must be linked dynamically.
valgrind: $(VALGRIND)/valgrind.o $(VALGRIND)/plant.o
	@$(MAKE) --no-print-directory --silent BUILD=$(VALGRIND) OPTIMIZE='-O1 -fno-omit-frame-pointer' \
		LDFLAGS='-Wl,--wrap=syscall,$(planted_wraps) $(abspath $(VALGRIND)/valgrind.o $(VALGRIND)/plant.o)' build

$(VALGRIND)/%.o: tests/lint/%.c
	@mkdir -p $(VALGRIND)
	$(Q)rm -f $(VALGRIND)/skiff
	$(Q)$(CC) -D_GNU_SOURCE -std=gnu17 -g -O1 -fPIE $(WARNINGS) -Werror -Wno-cast-align -c -o $@ $<

valgrind-test: valgrind image ## whole runs under valgrind: memory and descriptors of both processes
	@"$$(shared/workshop/find-python sys)" tests/lint/valgrind_test.py --skiff $(VALGRIND)/skiff \
		--image $(BUILD)/images/busybox/rootfs --logs $(VALGRIND)/logs
