"""One key, one effect, one answer.

Owns the answers given to requests that carried an Idempotency-Key. The answer is stored in the
transaction of the effect, so either both exist or neither; a refusal stores nothing. Requests with
the same key of the same actor go one after the other (advisory lock until the transaction ends).
Answers are kept for 30 days.
"""
