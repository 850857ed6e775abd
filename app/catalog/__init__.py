"""The catalogue: assets with a fixed scale, their metals, methods of paying, and the ids of
providers in the ledger."""
