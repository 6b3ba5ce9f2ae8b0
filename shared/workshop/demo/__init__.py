"""A container beside its host, each value read from the kernel."""
