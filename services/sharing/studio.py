"""All that pictures and certificates are made with, as one thing to open and close."""

from contextlib import AsyncExitStack

from services.sharing.achievements_client import AchievementsClient
from services.sharing.assets import Assets
from services.sharing.drawing_pool import DrawingPool
from services.sharing.drawings import Drawings
from services.sharing.reading import Reading


class Studio:
    """The parts, made for one event loop; they start what they need when they need it."""

    def __init__(self, reading: Reading, achievements_url: str) -> None:
        self.pool = DrawingPool()
        self.drawings = Drawings(self.pool)
        self.achievements = AchievementsClient(achievements_url)
        self.assets = Assets(reading.pool, self.achievements, self.pool.is_picture)

    async def close(self) -> None:
        """Ends what was started; call it when nobody asks any more."""
        async with AsyncExitStack() as parts:
            for part in (self.achievements, self.pool, self.assets, self.drawings):
                parts.push_async_callback(part.close)
