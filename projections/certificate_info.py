"""What anybody in an organization can learn of a program's certificate: product rule 14. The shape is the contract's."""

from collections.abc import Callable

import msgspec
from msgspec import Struct

from projections.rows import Certificate


class CertificateInformation(Struct):
    """`available` tells of the organization; the rest is null where it isn't, or nothing was ever enabled."""

    available: bool
    enabled: bool
    required_sessions: int | None = None
    guidance: str | None = None
    name: str | None = None
    text: str | None = None
    colour: str | None = None
    banner: str | None = None
    logo: str | None = None


class CertificateRows(Struct):
    """The rows that tell of a program's certificate."""

    available: bool
    certificate: Certificate | None

    def information(self) -> CertificateInformation:
        """What is shown of them; of a disabled certificate, what it was."""
        certificate = self.certificate
        if not self.available or certificate is None:
            return CertificateInformation(available=self.available, enabled=False)
        return CertificateInformation(
            available=True,
            enabled=certificate.enabled,
            required_sessions=certificate.required_sessions,
            guidance=certificate.guidance,
            name=certificate.name,
            text=certificate.text,
            colour=certificate.colour,
            banner=certificate.banner,
            logo=certificate.logo,
        )


CERTIFICATE_ROWS_QUERY = """
SELECT json_build_object(
    'available', coalesce((SELECT certificates FROM organization
                           WHERE organization_id = %(organization_id)s), false),
    'certificate', (SELECT to_json(c) FROM certificate AS c
                    WHERE organization_id = %(organization_id)s AND program_id = %(program_id)s)
)::text
"""
"""Takes `organization_id` and `program_id`."""

decode_certificate_rows: Callable[[str], CertificateRows] = msgspec.json.Decoder(
    CertificateRows
).decode
