"""Two students compared on the same questions: ``siked compare A B``.

``students`` finds a student's answers in the workspace or at any revision, ``paired`` sets two
beside each other, ``seeds`` two kinds of them trained with several seeds; ``terminal`` and
``markdown`` show the result.
"""
