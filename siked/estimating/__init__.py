"""What a run will cost, before anything is spent: ``siked estimate``.

Counts times rates: ``counts`` says how much is asked, of models how large, and how often they are
right; ``rates`` how fast a card or this machine works; ``last_run`` what this machine measured;
``estimate`` goes through the pipeline with all of that. One factor says how far off it may be.
"""
