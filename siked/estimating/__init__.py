"""What a run will cost, before anything is spent: ``siked estimate``.

``rates`` says how fast a card or this machine works, ``last_run`` what this machine measured,
``acceptance`` how many rationales will be right, ``sizes`` how large the models are and how many
questions are asked; ``estimate`` goes through the pipeline with all of that.
"""
