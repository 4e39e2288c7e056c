"""What the domain refuses, each with its code: those of the contract's dead letters, and what only HTTP meets."""

from typing import Any


class DomainError(Exception):
    """A command that the rules don't allow; `str` of it says why, without personal data."""

    code: str

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class ConflictingSessionError(DomainError):
    """A known session was told again with other content."""

    code = "conflicting_session"


class CertificateNotAllowedError(DomainError):
    """This type of program can't have such a certificate."""

    code = "certificate_not_allowed"


class UnknownCertificateError(DomainError):
    """The program's certificate was never enabled."""

    code = "unknown_certificate"


class UnknownAwardError(DomainError):
    """There is no such award in the organization."""

    code = "unknown_award"


class ProgramNotConfiguredError(DomainError):
    """Nobody has said yet what type of program it is."""

    code = "program_not_configured"


class ErasedMemberError(DomainError):
    """An erased member can't be awarded anything."""

    code = "erased_member"

    def __init__(self, user_ids: list[str]) -> None:
        super().__init__(f"user_ids: erased: {', '.join(user_ids)}")
        self.user_ids = user_ids


class PreviewNeededError(Exception):
    """A change that members may be granted something by was not confirmed; `preview` shows what to confirm."""

    def __init__(self, preview: Any) -> None:
        super().__init__("the change needs the preview_id of a preview that was looked at")
        self.preview = preview


class StalePreviewError(PreviewNeededError):
    """What was confirmed is not what would happen now."""


class FarBehindError(Exception):
    """The read models are too far behind the journal for a request to wait."""
