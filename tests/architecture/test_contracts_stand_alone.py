"""A contract is read by every service and by people: nothing but the standard library and pydantic is behind it."""

import sys

import grimp

ALLOWED = {"pydantic", *sys.stdlib_module_names}


def test_contracts_import_only_pydantic_and_the_standard_library() -> None:
    graph = grimp.build_graph("shared", include_external_packages=True, cache_dir=None)
    contracts = {"shared.contracts", *graph.find_descendants("shared.contracts")}
    imported = {(one, other) for one in contracts for other in graph.find_modules_directly_imported_by(one)}
    strangers = {(one, other) for one, other in imported if other not in contracts | ALLOWED}
    assert not strangers
