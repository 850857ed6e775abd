"""Files that people send: which type one is, and its pages drawn anew as pictures."""
