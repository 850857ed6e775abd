"""The teller desk: the home of people who serve customers at a branch."""
