"""What certificates and images say by themselves, in the languages that we have."""

from typing import Final, NamedTuple

import icu

from services.sharing.drawing.designs import Mark
from services.sharing.drawing.shaping import Direction


class Words(NamedTuple):
    """`{organization}` and `{program}` stand for their names."""

    language: str
    certificate: str
    badge: str
    awarded_to: str
    member: str
    issued_by: str
    program: str
    earned_on: str
    certificate_id: str
    how_earned: str
    check: str
    qr_code: str
    logo: str
    banner: str
    preview: str
    revoked: str

    def of_mark(self, mark: Mark) -> str:
        return self.preview if mark == "preview" else self.revoked


def words(language: str) -> Words:
    """The words for a language tag (BCP 47), English where we have none."""
    return _WORDS.get(language.lower().partition("-")[0], _ENGLISH)


def reading_direction(language: str) -> Direction:
    """Where those who read a language (BCP 47) begin."""
    script = icu.Locale.forLanguageTag(language).addLikelySubtags().getScript()
    return "rtl" if script in _RIGHT_TO_LEFT else "ltr"


def language_tag(language: str) -> str:
    """The tag of the language that words really are in: of the reader's region if it is theirs."""
    ours = words(language).language
    return language if language.lower().partition("-")[0] == ours else ours


_RIGHT_TO_LEFT: Final = {"Adlm", "Arab", "Hebr", "Nkoo", "Rohg", "Syrc", "Thaa"}
_ENGLISH: Final = Words(
    language="en",
    certificate="Certificate",
    badge="Badge",
    awarded_to="Awarded to",
    member="A member of {organization}",
    issued_by="Issued by",
    program="Program",
    earned_on="Earned on",
    certificate_id="Certificate ID",
    how_earned="How it was earned",
    check="Scan to check",
    qr_code="QR code that leads to this certificate's page",
    logo="Logo of {organization}",
    banner="Banner of {program}",
    preview="Preview",
    revoked="Revoked",
)
_ALL: Final = (
    _ENGLISH,
    Words(
        language="fr",
        certificate="Certificat",
        badge="Badge",
        awarded_to="Décerné à",
        member="Un membre de {organization}",
        issued_by="Délivré par",
        program="Programme",
        earned_on="Obtenu le",
        certificate_id="Numéro du certificat",
        how_earned="Comment il a été obtenu",
        check="Scanner pour vérifier",
        qr_code="Code QR qui mène à la page de ce certificat",
        logo="Logo de {organization}",
        banner="Bannière de {program}",
        preview="Aperçu",
        revoked="Révoqué",
    ),
    Words(
        language="es",
        certificate="Certificado",
        badge="Insignia",
        awarded_to="Otorgado a",
        member="Un miembro de {organization}",
        issued_by="Emitido por",
        program="Programa",
        earned_on="Obtenido el",
        certificate_id="Número de certificado",
        how_earned="Cómo se obtuvo",
        check="Escanear para comprobar",
        qr_code="Código QR que lleva a la página de este certificado",
        logo="Logotipo de {organization}",
        banner="Imagen de {program}",
        preview="Vista previa",
        revoked="Revocado",
    ),
    Words(
        language="de",
        certificate="Zertifikat",
        badge="Abzeichen",
        awarded_to="Verliehen an",
        member="Ein Mitglied von {organization}",
        issued_by="Ausgestellt von",
        program="Programm",
        earned_on="Erworben am",
        certificate_id="Zertifikatsnummer",
        how_earned="Wie es erworben wurde",
        check="Zum Prüfen scannen",
        qr_code="QR-Code, der zur Seite dieses Zertifikats führt",
        logo="Logo von {organization}",
        banner="Titelbild von {program}",
        preview="Vorschau",
        revoked="Widerrufen",
    ),
    Words(
        language="ar",
        certificate="شهادة",
        badge="شارة",
        awarded_to="مُنحت إلى",
        member="عضو في {organization}",
        issued_by="الجهة المانحة",
        program="البرنامج",
        earned_on="تاريخ الاستحقاق",
        certificate_id="رقم الشهادة",
        how_earned="كيف تم الحصول عليها",
        check="امسح الرمز للتحقق",
        qr_code="رمز استجابة سريعة يؤدي إلى صفحة هذه الشهادة",
        logo="شعار {organization}",
        banner="صورة {program}",
        preview="معاينة",
        revoked="ملغاة",
    ),
)
_WORDS: Final = {each.language: each for each in _ALL}
