"""Pages for people: HTML, Danish and English, phone first, without account and without JavaScript.

A page shows on GET and acts on POST. Whoever signed in opens pages by a cookie, too.
A mailed link's key moves to a cookie at the first GET and stands in no address
again; every form of such a page sends back a proof that only our page can know.
"""

from shared.pages.language import page_language
from shared.pages.render import Pages, moved
from shared.pages.visitors import (
    AnyVisitor,
    Form,
    FormNotOurs,
    KeyedForm,
    KeyHolder,
    KeyMissing,
    KnownVisitor,
    OpenForm,
    SignedIn,
    Visitor,
    keep_signed_in,
    open_by_key,
)

__all__ = [
    "AnyVisitor",
    "Form",
    "FormNotOurs",
    "KeyHolder",
    "KeyMissing",
    "KeyedForm",
    "KnownVisitor",
    "OpenForm",
    "Pages",
    "SignedIn",
    "Visitor",
    "keep_signed_in",
    "moved",
    "open_by_key",
    "page_language",
]
