"""The subcommands of ``siked``, a module each; ``siked.__main__`` puts them together."""
