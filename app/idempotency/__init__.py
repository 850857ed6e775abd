"""Idempotency keys: one key, one effect, one response.

Owns the stored responses to requests with an Idempotency-Key. A response is stored in the
transaction of the effect, so that either both exist or neither; a refusal stores nothing. Requests
of the same actor with the same key run one after the other (an advisory lock is held until the
transaction ends). Responses are kept for 30 days.
"""
