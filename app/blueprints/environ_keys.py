"""Keys of the WSGI environment, by which the layers of one request share what they know."""

#: The path of the route as it is declared, with its variables' names.
ROUTE = "pbcex.route"
#: The actor, once they are known.
ACTOR = "pbcex.actor"
#: The headers of the rate limit that the request was counted against.
RATE_LIMIT = "pbcex.rate_limit"
#: The nonce of the page's scripts.
NONCE = "pbcex.nonce"
#: The database session that a page's view has open, for the layout around it.
SESSION = "pbcex.session"
#: How many items wait on each page of the sidebar, once they are counted.
NAV_COUNTS = "pbcex.nav_counts"
#: The public id of the kept form whose fields replaced those of the request.
KEPT_FORM = "pbcex.kept_form"
#: The kept forms that wait to be sent, once they are read.
WAITING_FORMS = "pbcex.waiting_forms"
