"""The subcommands of ``siked``, a module each; ``siked.cli`` puts them together."""
