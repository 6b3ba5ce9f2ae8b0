# vm-test: the lab VM's own tests, then the stage tests inside it, in one boot: another kernel, cgroup v2 alone,
# every mount shared. TMPDIR: tmpfs has no ID-mapped mounts there (Linux 6.1).
VM_STAGE := $(lastword $(stage_nos))
VM_TESTS = cd /tree && TMPDIR=/var/tmp python3 -m pytest -q tests/chapters --skiff build/stage-$(VM_STAGE)/skiff --stage $(VM_STAGE)

.PHONY: vm-test
vm-test: stages probes image
	$(shell shared/workshop/find-python) -m pytest -q -p no:cacheprovider vagrant/lab/test_vm.py
	vagrant/lab/vm --build '$(BUILD)' --timeout 1200 -- '$(VM_TESTS)'
