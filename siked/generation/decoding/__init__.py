"""A decode loop over a Hugging Face causal language model, made for many samples a prompt.

``keys_values`` stores what the model has read, ``attention`` attends to it, ``draws`` picks tokens
and ``loop`` runs a batch of prompts to its end. ``siked.generation.transformers`` is the way
in.
"""
