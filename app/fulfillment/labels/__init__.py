"""Labels of parcels: each bought once, whatever fails on the way, and cancelled where unused."""
