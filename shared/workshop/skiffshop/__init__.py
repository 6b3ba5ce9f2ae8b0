"""skiff's tutor: what `make check`, `make hint` and their kin run."""
