"""The weights of words are what scikit-learn computes."""

import numpy as np
from sklearn.feature_extraction.text import TfidfTransformer

from services.matching.similarity import Recipe
from services.matching.similarity.inverted_index.segment import Segment
from services.matching.similarity.text.terms import shipped
from tests.matching.similarity.organisations import organisation

TEXTS = ("gær gær gær enzymer på dansk", "enzymer og spildevand", "spildevand spildevand damp")


def test_words_weigh_as_by_scikit_learn_s_transformer() -> None:
    plain = Recipe(idf_power=1, slope=1)
    segment, _ = Segment.fitted([organisation("startup", text) for text in TEXTS], shipped(), plain)
    counts = np.array([[3, 1, 1, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0, 2, 1]])
    theirs = TfidfTransformer(sublinear_tf=True).fit_transform(counts).toarray()
    np.testing.assert_allclose(segment.fields["about"].rows.toarray(), theirs, rtol=1e-5)


def test_a_long_text_is_scaled_down_but_not_to_the_usual_length() -> None:
    long = organisation("startup", "gær enzymer spildevand damp tang alger")
    segment, _ = Segment.fitted([long, organisation("startup", "gær")], shipped(), Recipe(slope=0.5))
    lengths = np.sqrt((segment.fields["about"].rows.toarray() ** 2).sum(axis=1))
    assert lengths[1] < 1 < lengths[0] < 2
