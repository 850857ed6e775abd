"""The HTTP edge: parse, call, render.

Routes declare their whole contract in one decorator (`web.ApiBlueprint.operation`); refusals become
statuses in one table (`errors`); nothing here decides about money or people.
"""
