"""What a card proves or refutes: ``python -m benchmarks.gpu``."""
