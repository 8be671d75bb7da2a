"""The weights of terms are what scikit-learn computes."""

import numpy as np
from sklearn.feature_extraction.text import TfidfTransformer

from services.matching.similarity.columns import Columns, Part
from services.matching.similarity.matrices import taken_columns
from services.matching.similarity.recipe import Recipe
from services.matching.similarity.segment import Segment
from services.matching.similarity.terms import shipped
from services.matching.similarity.weights import Rarity, scale, sublinear
from tests.matching.similarity.organisations import organisation


def test_words_weigh_as_by_scikit_learn_s_transformer() -> None:
    texts = ("gær gær gær enzymer på dansk", "enzymer og spildevand", "spildevand spildevand damp")
    columns = Columns(Recipe(gram_weight=0), shipped())
    segment = Segment.counted([organisation("startup", text) for text in texts], columns)
    counts = segment.documents(columns)["da"]
    words = np.flatnonzero(columns.parts == Part.WORD).astype(np.int32)
    rarity = Rarity.fitted(segment.documents(columns), columns).of(columns)
    ours = scale(sublinear(counts), rarity, columns.parts, columns.recipe, length=1)
    theirs = TfidfTransformer(sublinear_tf=True).fit_transform(taken_columns(counts, words))
    np.testing.assert_allclose(taken_columns(ours, words).toarray(), theirs.toarray(), rtol=1e-5)
