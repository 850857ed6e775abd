"""Adapters to providers, the only packages that use the network. One package per provider."""
