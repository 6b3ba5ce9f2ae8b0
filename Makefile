# skiff: a container runtime, and the workshop in which it is written.
# `make` alone explains what can be typed here. Everything that is built goes to $(BUILD).

BUILD   ?= build
ifeq ($(origin CC),default)
CC      := gcc
endif
Q       := $(if $(V),,@)
PKG     ?= pkg-config
VERSION := 0.3

# All processors, unless make was told how many: make -j1 demo.
PARALLEL = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# --- sources ---------------------------------------------------------------------------------------

shared_c   := $(sort $(wildcard shared/runtime/*.c shared/cli/*.c shared/lib/*.c))
solution_c := $(sort $(wildcard solutions/*/*.c))
starter_c  := $(patsubst solutions/%,chapters/%,$(solution_c))
stages     := $(patsubst solutions/%/,%,$(sort $(dir $(solution_c))))
stage_nos  := $(foreach s,$(stages),$(firstword $(subst -, ,$(s))))
includes   := -Ishared/runtime -Ishared/lib -Ishared/cli $(patsubst %/,-I%,$(sort $(dir $(wildcard chapters/*/*.h))))
packages   := jansson libcap libseccomp

# --- flags -----------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wformat=2 -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Wswitch-enum -Wundef -Wvla -Wpointer-arith -Wcast-align \
	-Wnull-dereference -Wimplicit-fallthrough
HARDENING := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
ifneq ($(shell uname -m),x86_64)
HARDENING := $(filter-out -fcf-protection,$(HARDENING))
endif
SANITIZE  ?=
WERROR    ?= -Werror
ifdef SANITIZE
HARDENING := -fPIE
OPTIMIZE  ?= -O1 -fno-omit-frame-pointer -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
else
OPTIMIZE  ?= -O2
endif
CPPFLAGS_ALL = -D_GNU_SOURCE -DSKIFF_VERSION='"$(VERSION)"' $(includes) $(CPPFLAGS)
CFLAGS_ALL   = -std=gnu17 -g $(OPTIMIZE) $(HARDENING) $(WARNINGS) $(shell $(PKG) --cflags $(packages)) $(CFLAGS)
LDFLAGS_ALL  = $(OPTIMIZE) -pie -Wl,-z,relro,-z,now $(LDFLAGS)
# What the dynamic linker need not load is not paid for at every start, twice: skiff executes itself
# anew (chapter 06). A library that comes without an archive stays dynamic.
has_archive = $(filter /%,$(shell $(CC) -print-file-name=lib$(patsubst -l%,%,$(1)).a))
link_static := -Wl,-Bstatic
link_dynamic := -Wl,-Bdynamic
LIBS       := $(foreach word,$(shell $(PKG) --libs $(packages)),$(if $(call has_archive,$(word)),$(link_static) $(word) $(link_dynamic),$(word)))

object = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
shared_o   := $(call object,$(shared_c))
solution_o := $(call object,$(solution_c))

# --- the runtime -----------------------------------------------------------------------------------

.PHONY: help build stages learner clean
help: ## show this
	@echo "skiff: a container workshop. Type one of these:"
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | sort | \
		awk -F '\t' '{ printf "  make %-14s %s\n", $$1, $$2 }'

# What root builds under sudo is handed back to the person, or their next `make` could not write here.
# The image and the lab VM stay root's: their files are meant to be.
give_back = @[ -z "$$SUDO_UID" ] || [ "$$(id -u)" != 0 ] || find '$(BUILD)' -xdev \( -path '$(BUILD)/images' -o -path '$(BUILD)/vm' \) \
	-prune -o -user 0 -exec chown -h "$$SUDO_UID:$$SUDO_GID" {} +

build: $(BUILD)/skiff ## build build/skiff, the runtime of all solutions
	$(give_back)
stages: $(foreach n,$(stage_nos),$(BUILD)/stage-$(n)/skiff) ## build each chapter's runtime: build/stage-NN/skiff
	$(give_back)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $<"
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(WERROR) -MMD -MP -c -o $@ $<

$(BUILD)/skiff: $(shared_o) $(solution_o)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# Stage NN: what is shared, and the rooms 00..NN of the solutions.
define stage_rule
$(BUILD)/stage-$(1)/skiff: $(shared_o) $(call object,$(filter $(addsuffix /%,$(2)),$(solution_c)))
	@mkdir -p $$(@D)
	$(Q)$$(CC) $$(LDFLAGS_ALL) -o $$@ $$^ $$(LIBS)
endef
rooms_so_far :=
$(foreach stage,$(stages),$(eval rooms_so_far += solutions/$(stage))$(eval $(call stage_rule,$(firstword $(subst -, ,$(stage))),$(rooms_so_far))))

# The learner's runtime: ROOMS="chapters/01-process/process.c solutions/02-chroot/rootfs.c ...".
# A starter has unused helpers and is no reason to stop: warnings are shown, not turned into errors.
learner_o = $(patsubst %.c,$(BUILD)/learner/obj/%.o,$(ROOMS))
learner: $(BUILD)/learner/skiff
$(BUILD)/learner/obj/%.o: %.c FORCE
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -Wno-unused -Wno-unused-parameter -c -o $@ $<
$(BUILD)/learner/skiff: $(shared_o) $(learner_o) FORCE
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(shared_o) $(learner_o) $(LIBS)
.PHONY: FORCE
FORCE:

# --- everything ------------------------------------------------------------------------------------

# Packages, programs and the lab VM first; then the tests, in a network namespace of their own with
# nothing in it but loopback.
.PHONY: test
test: ## everything the project promises (with sudo)
	@shared/workshop/packages.sh build test vm peers
	@$(MAKE) --no-print-directory $(PARALLEL) build stages probes
	@"$$(shared/workshop/find-python)" tests/run --build '$(BUILD)' --list $(PHASES) >/dev/null # a wrong name, told early
	@$(MAKE) --no-print-directory weak fault image vm-build
	@unshare --net sh -c 'ip link set lo up && exec "$$@"' sh \
		"$$(shared/workshop/find-python)" tests/run --build '$(BUILD)' $(PHASES)
	$(give_back)

clean: ## remove what was built
	rm -rf --one-file-system $(BUILD)

-include $(patsubst %.o,%.d,$(shared_o) $(solution_o))
$(BUILD)/obj/shared/runtime/seccomp_cache.o: chapters/06-security/profile.json
include $(wildcard shared/workshop/*.mk tests/*.mk tests/*/*.mk vagrant/*.mk)
