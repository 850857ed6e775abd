"""Withdrawals: each is paid out at most once, and its status is unknown while the outcome is.

`service` has the verbs of customers and staff; `payouts` sends an approved withdrawal and learns
its outcome; both change its status by `status_changes`. `destinations` parses where the money goes;
`payee_checks` checks the payee; `withdrawal_approval` releases large ones by maker and checker.
"""
