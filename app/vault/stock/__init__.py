"""Stock: units of products at locations, in their states. Its only table is the ledger."""
