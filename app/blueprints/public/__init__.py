"""The public pages: the home page and the policies. They need no sign-in."""
