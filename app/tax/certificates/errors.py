"""Refusals of exemption certificates."""

from app.kit.errors import Conflict


class CertificateEnded(Conflict):
    """The certificate was verified, was revoked, or has expired, meanwhile."""

    code = "certificate_ended"
    title = "This certificate is not as it was. Open it again to see what happened."
