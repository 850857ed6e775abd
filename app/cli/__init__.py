"""The command line: `flask …`."""
