"""Cash reports: which cash a legal entity reports to FinCEN, by when, and with which facts.

Owns `cash_transactions`, each an amount of cash that a customer brought or got at a counter, and
`cash_reports` with what they contain. A report is drafted in the transaction of the cash that makes
it due, and grows until it is filed. Patterns that avoid reports open a case for compliance alone.
"""
