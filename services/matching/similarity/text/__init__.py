"""From text to units: words, their stems, and the terms of the two languages."""
