"""A run on disk: where its files lie, what DVC knows of them, how far it is."""
