"""The support desk: verification of customers."""
