"""Adapters: the only packages that speak to the network. One room per vendor."""
