"""Is a rationale's answer right?"""
