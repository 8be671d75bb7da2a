"""The main job as a newcomer does it: the README's lines against the whole stack, and what they print."""

import pytest

from tests.journeys.readme import masked, perform


@pytest.mark.slow
def test_the_main_job_of_the_readme_prints_what_it_shows() -> None:
    blocks, printed = perform()
    assert len(blocks) > 5
    for block, output in zip(blocks, printed, strict=True):
        assert masked(output) == masked(block.shown), block.command
