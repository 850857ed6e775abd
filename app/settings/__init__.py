"""What the business decides: fees, limits, thresholds and windows, with their history.

Owns `setting_changes`. A room declares its settings beside the rules that use them, as a dataclass
(rules.py), and reads them with `queries.current`. What a machine needs, such as an address or a
password, is in the environment (app/config).

Invariant: a change takes effect at a stated instant, in every process at the same one.
"""
