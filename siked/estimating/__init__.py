"""What a run will cost, before anything is spent: ``siked estimate``.

``ranges`` computes with uncertain numbers, ``acceptance`` says how many rationales will be right,
``last_run`` reads what this machine measured, ``cards`` is the table of cards, ``assumptions`` says
what is taken where nothing was measured, ``stages`` goes through the pipeline.
"""
