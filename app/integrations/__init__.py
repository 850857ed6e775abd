"""Adapters to what is reached over the network. One room for each neighbour; nothing else dials."""
