"""Refusals of labels."""

from app.kit.errors import Conflict


class LabelBoughtElsewhere(Conflict):
    """The parcel has, or may have, a label of another carrier or speed: cancel that one first."""

    code = "label_bought_elsewhere"
    title = "The parcel already has a label of another carrier or speed. Cancel that label first."
