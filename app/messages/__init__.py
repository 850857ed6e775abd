"""What people are told: in-app messages, rendered once from versioned templates.

Owns the table `messages`. An event has a key ("trade_confirmed:trd_…"); a person gets at most one
message for it, however often its delivery is tried.
"""
