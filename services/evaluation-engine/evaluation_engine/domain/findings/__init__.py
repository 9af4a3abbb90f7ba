"""Findings: causes, recurring patterns and opportunities. One module a kind; `discover` puts them together.

A test that finds nothing worth telling counts among the tests all the same, with p = 1: leaving it out would make
the others look surer than they are.
"""
