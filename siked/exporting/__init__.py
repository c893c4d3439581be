"""A trained student for others: as an adapter, as merged weights, or as GGUF."""
