"""docs/benchmarks.md: the rates of the machine, the numbers that were kept, and the page written of both."""
