"""Values of lists that are stored. No database, no clock."""

from datetime import timedelta
from enum import StrEnum

#: How long an export can be downloaded.
EXPORT_LIFETIME = timedelta(hours=24)
VIEW_NAME_LENGTH_MAX = 60
QUERY_LENGTH_MAX = 2_000
VIEWS_PER_LIST_MAX = 50


class Density(StrEnum):
    """How much room a row takes."""

    COMFORTABLE = "comfortable"
    COMPACT = "compact"


class ListExportStatus(StrEnum):
    """The progress of an export."""

    PENDING = "pending"
    READY = "ready"
    EXPIRED = "expired"
