"""The HTTP edge: parse, call, render.

Routes declare their whole contract in one decorator (`api_blueprint.ApiBlueprint.operation`,
`page_blueprint.PageBlueprint.view`); refusals become statuses in one table (`errors`). Nothing here
decides about money or people.
"""
