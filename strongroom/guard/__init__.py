"""Keeps commands on a laptop away from guarded databases: what they would reach, and refusal.

Data flows one way: files and variables → entries → targets → matches → findings → a report. No
value read from a file is ever printed: a report names places, and hosts as they were declared.
"""
