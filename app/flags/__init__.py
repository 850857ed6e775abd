"""Feature flags: which parts of the API are switched on, and for whom.

Owns `flag_changes`. The environment sets the ceiling (`FeatureCeiling`): what it does not allow, no
page can switch on. Staff narrow a feature below it to a cohort, a share of all people and people by
name, and widen it again with a second person.

Routes of the API say which feature they belong to. Pages of staff and tables are never switched
off.
"""
