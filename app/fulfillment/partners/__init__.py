"""Partners: companies that keep goods of ours and send them to people. Owns no table."""
