"""The catalogue: assets with a fixed scale, their metals, and the ids of providers in the
ledger."""
