"""What models gave, what trainings came to, what data were and what defaults were, by version.

A run is found again by versions in place of code; these tests hold the versions to the code. `python -m tests.golden`
writes what is new or has a raised version. What is there under a version is never replaced.
"""
