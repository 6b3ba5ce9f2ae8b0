# front.mk - the front door: packages, doctor, image, demo. Included by the Makefile.

IMAGE := $(BUILD)/images/busybox/rootfs

.PHONY: packages doctor image demo

# Groups: build test vm peers.
packages: ## install what is missing (with sudo); GROUP=all: also for the lab VM
	@shared/workshop/packages.sh $(or $(GROUP),build test)

# ARGS=--json: for programs; ARGS=--apparmor: a profile for skiff on Ubuntu.
doctor: ## what this machine can do for each chapter
	@"$$(shared/workshop/find-python sys)" shared/workshop/doctor $(ARGS)

image: ## make the default root file system
	@shared/images/make-busybox $(IMAGE)

# Packages first, in a run of its own: the build asks pkg-config for what they bring.
demo: ## build skiff and show a container beside its host
	@shared/workshop/packages.sh build
	@$(MAKE) --no-print-directory $(PARALLEL) build image
	@"$$(shared/workshop/find-python sys)" shared/workshop/demo --build $(BUILD)
