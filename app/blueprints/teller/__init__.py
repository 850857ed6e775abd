"""The teller desk: what people do who serve customers at a branch."""
