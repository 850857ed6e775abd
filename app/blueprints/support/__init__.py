"""The support desk: verification of customers, and identity checks at a branch counter."""
