"""Disclosure control: what may be published of counts of people without giving any small group away.

`tables` says what is to be published, `suppression` decides what is hidden, `audit` proves that the hidden cannot
be computed from the shown, `ledger` and `editions` compare with what was published before, `choice` puts them together.
Terms and methods follow Hundepool et al., "Statistical Disclosure Control" (2012), chapter 4,
doi:10.1002/9781118348239.
"""
