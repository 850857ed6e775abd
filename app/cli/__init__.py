"""Commands for operators: `flask NAME`. They use the same services as the other edges."""
