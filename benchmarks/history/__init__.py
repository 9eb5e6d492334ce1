"""What pytest-benchmark keeps from one run to the next: `make bench-history`."""
