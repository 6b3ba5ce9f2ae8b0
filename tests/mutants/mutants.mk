# mutants.mk - the common mistakes, each of which a stage test must catch. Included by the Makefile.

.PHONY: mutants mutants-recipe

mutants: ## for authors: is every common mistake caught? CH=3, or NAME=no-umask
	@BUILD='$(BUILD)' tests/mutants/selftest
	@tests/mutants/run --build '$(BUILD)' $(if $(CH),CH=$(CH)) $(NAME)

# How a room is compiled and linked, for tests/mutants/run. $(info) keeps the quotes for its shlex.
mutants-recipe:
	$(info compile $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -w -Werror=implicit-function-declaration)
	$(info link $(CC) $(LDFLAGS_ALL))
	$(info libraries $(LIBS))
	$(info shared $(shared_o))
	$(info solutions $(solution_o))
	@:
