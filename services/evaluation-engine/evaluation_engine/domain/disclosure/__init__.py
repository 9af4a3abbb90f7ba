"""Disclosure control: what may be published of counts of people without giving any small group away.

`figures` are the numbers of KPIs, counted by `counting` and of whom `subject` says; `tables` and `grid` lay them out.
`suppression` decides what is hidden, `audit` (`one_way`, `shuttle`) proves that the hidden cannot be computed from the
shown, nor from intervals (`squares`); `ledger` and `editions` compare with what was published before. `choice` puts
them together, `public_form` is what readers get.
Terms and methods follow Hundepool et al., "Statistical Disclosure Control" (2012), chapter 4,
doi:10.1002/9781118348239.
"""
