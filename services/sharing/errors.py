"""Why sharing says no, in the words of the domain."""


class SharingError(Exception):
    """Something can't be done; nothing was changed."""


class UnknownAwardError(SharingError):
    """There is no such award in the organization, or none to be seen."""


class NotTheOwnerError(SharingError):
    """The award is another person's."""


class RevokedAwardError(SharingError):
    """The award was revoked, so no new link to it is made."""


class NothingToDownloadError(RevokedAwardError):
    """The award was revoked, so there is no file of it any more."""
