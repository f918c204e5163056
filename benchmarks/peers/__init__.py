"""What the benchmarks compare with: the same equations in C, SciPy, numbalsoda and ProgPy."""
