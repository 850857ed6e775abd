"""The provider sandbox: simulates providers over HTTP, in their own protocols.

A separate program that the product knows only by its URL. Each provider is one module in
`providers`: a blueprint that responds as the provider does, and a signer for its webhooks. They
share:

- `store`: everything a provider knows, in one SQLite file, so that a restart loses nothing;
- `faults`: scheduled faults, before or after the effect of a call, or in webhooks;
- `webhooks`: a queue of webhooks, signed when they are sent, repeated until they are accepted;
- `pages`: a page and a small API to inspect all this and to schedule faults.

It is for development and tests. It never holds real money, and its keys are public.
"""
