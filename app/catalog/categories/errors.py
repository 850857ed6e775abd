"""The refusals of categories."""

from app.kit.errors import Conflict


class CategorySlugTaken(Conflict):
    """Another category has this slug."""

    code = "category_slug_taken"
    title = "Another category has this name in URLs. Enter another one."
    field = "slug"


class CategoryNotEmpty(Conflict):
    """Products are in the category, or categories below it."""

    code = "category_not_empty"
    title = "Move the products and categories out of this category first. Then delete it."


class CategoryBelowItself(Conflict):
    """The new parent is the category itself or below it."""

    code = "category_below_itself"
    title = "A category cannot be below itself. Choose another one."
    field = "parent"
