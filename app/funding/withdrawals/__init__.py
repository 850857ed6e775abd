"""Withdrawals: each is paid out at most once, and its status is unknown while the outcome is.

`service` has the verbs of customers and staff and the changes of a withdrawal's row; `payouts`
sends an approved withdrawal and learns its outcome; `destinations` parses where the money goes;
`payee_checks` checks the payee; `withdrawal_approval` releases large ones by maker and checker.
"""
