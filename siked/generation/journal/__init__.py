"""What models wrote, kept by content: no sample is generated twice.

``samples`` is the store on disk, ``engine`` wraps a model's engine with it.
"""
