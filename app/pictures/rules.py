"""What can be wrong with a file. No database, no clock."""

from app.kit.labels import LabelledEnum


class FileProblem(LabelledEnum):
    """Why a file cannot be shown, in the words that its sender reads."""

    DAMAGED = "damaged", "The file is damaged or incomplete. Save it again, or take a new picture."
    BLANK = "blank", "There is nothing on the picture or page. Choose another file."
    ENCRYPTED = "encrypted", "The PDF needs a password. Save it without one, and send that."
    ACTIVE = "active", "The PDF contains scripts or starts something. Print it into a new PDF."
    ATTACHMENTS = "attachments", "The PDF contains other files. Send each file by itself."
    FORM = "form", "The PDF is a form that only its program shows. Print it into a new PDF."
    ANIMATED = "animated", "The picture moves. Choose one that does not."
    TOO_MANY_PAGES = "too_many_pages", "Send at most 60 pages in one file."
    TOO_LARGE = "too_large", "The picture has too many pixels. Save it in a smaller size."
    TOO_COMPLEX = (
        "too_complex",
        "It takes too much to show the file. Print it into a new PDF, or send a photo of it.",
    )
