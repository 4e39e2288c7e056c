"""Certificates in ten scripts, and pictures to put on them."""

from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw

from services.sharing.drawing import CertificateDesign

AWARD_ID = "0191c6a2-7d4e-8f10-9b3a-5c2d1e0f4a6b"
PAGE_URL = "https://awards.example.org/s/Zk3vQm7Xc1LrT9aPw2NfYg"

_LATIN = CertificateDesign(
    title="Foundations of Engineering Leadership",
    text="For completing the spring cohort with curiosity and care: five conversations, each "
    "prepared, held and reflected upon together.",
    colour="#1d4f91",
    organization_name="Northwind Collective",
    program_name="Engineering Leadership 2026",
    recipient_name="Ada Lovelace",
    criteria="Completed 5 sessions with feedback in Engineering Leadership 2026.",
    earned_on="14 June 2026",
    award_id=AWARD_ID,
    page_url=PAGE_URL,
    language="en",
)


def _in(language: str, name: str, title: str, text: str, organization: str) -> CertificateDesign:
    return changed(
        _LATIN,
        language=language,
        recipient_name=name,
        title=title,
        text=text,
        organization_name=organization,
        program_name=title,
    )


def changed(design: CertificateDesign, **fields: Any) -> CertificateDesign:
    """The design with other values in some fields."""
    everything = {name: getattr(design, name) for name in design.__struct_fields__}
    return CertificateDesign(**(everything | fields))


CERTIFICATES = {
    "Latin": _LATIN,
    "Greek": _in(
        "el",
        "Ελένη Παπαδοπούλου",
        "Θεμέλια της Ηγεσίας",
        "Για την ολοκλήρωση του προγράμματος με περιέργεια και φροντίδα.",
        "Κοινότητα Βορράς",
    ),
    "Cyrillic": _in(
        "ru",
        "Екатерина Жуковская",
        "Основы инженерного лидерства",
        "За прохождение весенней программы с любопытством и вниманием к каждому разговору.",
        "Северный ветер",
    ),
    "Arabic": _in(
        "ar",
        "محمّد عبد الله الشريف",
        "أسس القيادة الهندسية",
        "تقديرًا لإتمام برنامج الربيع بشغف وعناية.",
        "جمعية الشمال",
    ),
    "Hebrew": _in(
        "he",
        "יוּבַל רוזנברג",
        "יסודות המנהיגות ההנדסית",
        "על השלמת מחזור האביב בסקרנות ובאכפתיות.",
        "קהילת הצפון",
    ),
    "Devanagari": _in(
        "hi",
        "क्षितिज श्रीवास्तव",
        "अभियांत्रिकी नेतृत्व की नींव",
        "वसंत कार्यक्रम को जिज्ञासा और सावधानी के साथ पूरा करने के लिए।",
        "उत्तर समुदाय",
    ),
    "Thai": _in(
        "th",
        "สมชาย น้ำใจดี",
        "พื้นฐานภาวะผู้นำ",
        "สำหรับการสำเร็จหลักสูตรด้วยความใส่ใจ",
        "ชุมชนเหนือ",
    ),
    "Chinese": _in(
        "zh-Hans",
        "王小明",
        "工程领导力基础",
        "以好奇与用心完成春季课程。",
        "北风社区",
    ),
    "Japanese": _in(
        "ja",
        "山田 太郎",
        "リーダーシップの基礎",
        "好奇心と心配りをもって春期プログラムを修了されました。",
        "ノースウィンド協会",
    ),
    "Korean": _in(
        "ko",
        "홍길동",
        "엔지니어링 리더십의 기초",
        "호기심과 정성으로 봄 과정을 마쳤습니다.",
        "북풍 공동체",
    ),
}
"""By the name of the script."""


def banner(kind: str = "JPEG", size: tuple[int, int] = (1600, 400)) -> bytes:
    """A picture without opacity."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    ImageDraw.Draw(image).ellipse((20, 20, size[1] - 20, size[1] - 20), fill="#d04020")
    return _file(image, kind)


def logo() -> bytes:
    """A picture that is partly transparent."""
    image = Image.new("RGBA", (600, 200), (0, 0, 0, 0))
    ImageDraw.Draw(image).rounded_rectangle((10, 10, 590, 190), 90, fill=(20, 90, 160, 255))
    return _file(image, "PNG")


def _file(image: Image.Image, kind: str) -> bytes:
    file = BytesIO()
    image.save(file, kind)
    return file.getvalue()
