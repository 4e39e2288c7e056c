"""What the domain refuses, each with the contract's dead-letter code."""


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
