"""Finds partners by what organisations offer and need, in Danish and English, and says why.

Our word beside the field's, what is computed, and who published it; no source where it is common or ours. `tf` is how
often a text has a word, |d| the length of its weights before scaling; other names are settings of `Recipe`.

our word, file         the field's word        equation                                                           source
---------------------  ----------------------  -----------------------------------------------------------------  ------
stem, language         stemming                Snowball, of the language that function words tell                 1
Terms, terms           bilingual dictionary    written by hand; learnt: p(e|d) p(d|e), as shares of a stem        2
Unit, units            passage                 an offer, a need, or all that is said to everybody
Idf, idf               idf, smoothed           (ln((1 + N) / (1 + df)) + 1) ^ idf_power, N, df in a language      3
Columns, columns       term dictionary         a column for each stem of a language, and each mark
  related              fuzzy term matching     cosine of the words' n-grams, hashed, weighed by
                                               ln((1 + words) / (1 + words with the gram)); 0 below a least
Segment, Field         segment, field          units by columns, in both orders: rows and postings
Facts, ProfileStore    doc values, stored      an array for each fact; profiles as JSON
weighed, field         pivoted normalisation   (1 + ln tf) idf / ((1 - slope) pivot + slope |d|)
                                               / languages ^ two_languages, pivot the mean |d|                    4
Snapshot, LiveSegment  snapshot, live docs     what was built, and what changed since: never changed in place
Query, Clause, query   query, clause           ltc: (1 + ln tf) idf / its length, likewise for translations
Expansion, query       query expansion         exactly at the term's own column + nearly x related elsewhere
pair, scores           inner product           fitness x the sum over columns of query weight x text weight
part, scores           p-norm, by its OR       (sum of best pair ^ pair_power) ^ (1 / pair_power), not a mean     5
Example, likeness      relevance feedback      evidence += kinds x weight x cosine(example, text); none negative  6
history, evidence      document prior          1 + partnerships x ln(1 + those known, at most most_partnerships)
score_of, scores       calibration             log-logistic: 1 / (1 + (half_score / evidence) ^ score_power)
diverse, diversity     near-duplicate removal  greedy from the best: a cosine from near_copy, or one house
Hit, Alignment         explanation             the terms of a pair's sum, each a word of both

1 M. F. Porter, "Snowball: A language for stemming algorithms", 2001
2 C. Dyer, V. Chahuneau, N. A. Smith, "A Simple, Fast, and Effective Reparameterization of IBM Model 2", NAACL 2013
3 K. Spärck Jones, "A statistical interpretation of term specificity", 1972; smoothed as scikit-learn does
4 A. Singhal, C. Buckley, M. Mitra, "Pivoted document length normalization", SIGIR 1996
5 G. Salton, E. A. Fox, H. Wu, "Extended Boolean information retrieval", 1983
6 J. J. Rocchio, "Relevance feedback in information retrieval", 1971

How the numbers of one score hang together is told in `calculation`. Shapes are written `(units, columns)`: `profiles`
(or their `owners`) and `units` are rows of a segment, `columns` its words and marks, `asked` the units of the clause
that asks, `keys` words by name, `stored` the values that a sparse matrix holds, row after row.
"""

from services.matching.similarity.calculation import Calculation
from services.matching.similarity.index import Index
from services.matching.similarity.inverted_index.packing import pack, unpack
from services.matching.similarity.profile import (
    Amount,
    Fit,
    Ground,
    Profile,
    Reason,
    Statement,
    Suggestion,
    Tie,
    Unreadable,
    Wanted,
)
from services.matching.similarity.recipe import Recipe

__all__ = [
    "Amount",
    "Calculation",
    "Fit",
    "Ground",
    "Index",
    "Profile",
    "Reason",
    "Recipe",
    "Statement",
    "Suggestion",
    "Tie",
    "Unreadable",
    "Wanted",
    "pack",
    "unpack",
]
