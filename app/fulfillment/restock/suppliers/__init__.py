"""Suppliers: who sells goods to us, on which terms, and under which codes.

Owns `suppliers` and `supplier_products`. A product has one supplier at a time.
"""
