"""What this machine can do for each chapter, found out by trying it."""
