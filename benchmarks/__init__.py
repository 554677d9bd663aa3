"""The benchmarks (`python -m benchmarks`). Each figure is a ratio of two programs, measured in the same run."""
