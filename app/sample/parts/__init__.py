"""One module for each capability, with its acts: `PART`. They are found by themselves."""
