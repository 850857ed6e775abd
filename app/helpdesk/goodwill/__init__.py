"""Credits that customers get for goodwill: an expense of ours, posted to their balance."""
