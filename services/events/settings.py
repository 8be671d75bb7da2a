"""What the events service is told from outside, beyond what every service is."""

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Nothing of its own yet."""
