"""What the matching service is told from outside, beyond what every service is."""

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """`introduction_days` is how long the other side may take to answer."""

    introduction_days: int = 30
