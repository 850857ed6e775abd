"""The sandbox: plays the providers that we have no account with, over HTTP, in their own protocols.

A program of its own that the product knows only by its address. Each provider is one module: a
blueprint that answers as the provider does, and a signer for what it sends to us. What all share:

- `store`: everything a provider knows, kept in one SQLite file, so that a restart forgets nothing;
- `faults`: what goes wrong on order, before or after the effect of a call, or with its webhooks;
- `webhooks`: deliveries, signed when they are sent, repeated until they are taken;
- `pages`: a page and a small API to look at all this and to order faults.

It is for development and tests. It never holds real money, and everybody may know its keys.
"""
