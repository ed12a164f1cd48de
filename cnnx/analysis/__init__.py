"""From a graph to records: figures, receptive fields, comparisons. No torch, no printing.

`figures` counts a graph; `receptive_field` and `coverage` say what it sees, `memory` which storages live when,
`formulas` where a figure comes from, `conventions` how other tools count. `comparison`, `profiling`, `budgets` and
`catalogue` hold what commands answer with; `claims` what specs and papers state; `models` what cnnx did not build.
"""
