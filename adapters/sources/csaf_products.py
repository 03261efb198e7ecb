"""The product tree of a CSAF document: the products it talks of, as software."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from adapters.sources.csaf_advisory import Advisory
from adapters.sources.found import Intake

_VERSIONS: Final = ("product_version", "product_version_range")
# What stands once in a branch would stand in each product below it.
_MAX_NAME_CHARS: Final = 1000

Path = tuple[tuple[str, str], ...]
"""(category, name) of each branch down to a product."""


class _Product(NamedTuple):
    """A full product name, not read yet: in a large tree, most are never asked for.

    Attributes:
        whole: What is left out with it, if nothing asks.
    """

    members: Intake
    whole: Intake
    path: Path
    relation: dict[str, Any]


class Products:
    """Products by their id in the document; each becomes software when first used."""

    def __init__(self, tree: Intake | None, advisory: Advisory) -> None:
        """Take the tree in."""
        self._advisory = advisory
        self._known: dict[str, _Product] = {}
        self._groups: dict[str, list[str]] = {}
        self._made: dict[str, str | None] = {}
        self._parts: list[str] = []
        if tree is not None:
            self._read(tree)
            tree.close()

    def resolve(self, item: Intake, ids: str, groups: str = "") -> list[str]:
        """Take members that name products: the ids of their software, each once.

        Args:
            ids: Name of the member that lists product ids.
            groups: The same, of groups.
        """
        named = list(item.texts(ids))
        for place, group in item.texts(groups) if groups else ():
            if group not in self._groups:
                self._advisory.losses.add("dangling", place)
            members = self._groups.get(group, [])
            self._advisory.count_references(len(members), place)
            named += [(place, member) for member in members]
        self._advisory.count_references(len(named), item.where)
        found = [self._software(product, place) for place, product in named]
        return [each for each in dict.fromkeys(found) if each is not None]

    def close(self) -> None:
        """Make what used products are made of; list the others.

        If nothing in the document asked for a product, it is about all of them.
        """
        if not self._made:
            self._parts += self._known
        while self._parts:
            self._software(self._parts.pop(), "$.product_tree")
        for product_id, product in self._known.items():
            if product_id not in self._made:
                product.whole.lose("unused")

    # ------------------------------------------------------------- the tree

    def _read(self, tree: Intake) -> None:
        for branch in tree.items("branches"):
            self._branch(branch, ())
        for product in tree.items("full_product_names"):
            self._keep(product, product, (), {})
        for name in ("relationships", "product_paths"):
            for relation in tree.items(name):
                product_name = relation.members("full_product_name")
                if product_name is None:
                    relation.lose("unused")
                else:
                    self._keep(product_name, relation, (), {name: relation.rest()})
        for group in tree.items("product_groups"):
            group_id = group.text("group_id")
            if group_id in self._groups:
                group.lose("repeated")
            else:
                members = [member for _, member in group.texts("product_ids")]
                self._groups[group_id] = members
                group.close()

    def _branch(self, branch: Intake, path: Path) -> None:  # as deep as JSON may be
        category, name = branch.text("category"), branch.text("name")
        if len(name) > _MAX_NAME_CHARS:
            branch.lose("bad-value")
        else:
            path = (*path, (category, name))
        product = branch.members("product")
        if product is not None:
            self._keep(product, product, path, {})
        is_empty = product is None
        for inner in branch.items("branches"):
            self._branch(inner, path)
            is_empty = False
        if is_empty:
            branch.lose("unused")
        branch.close()

    def _keep(
        self, product: Intake, whole: Intake, path: Path, relation: dict[str, Any]
    ) -> None:
        product_id = product.text("product_id")
        if not product_id:
            whole.lose("unused")
        elif product_id in self._known:
            whole.lose("repeated")
        else:
            self._known[product_id] = _Product(product, whole, path, relation)

    # --------------------------------------------------------- the software

    def _software(self, product_id: str, place: str) -> str | None:
        if product_id not in self._known:
            self._advisory.losses.add("dangling", place)
            return None
        if product_id not in self._made:
            self._made[product_id] = self._make(product_id)
        return self._made[product_id]

    def _make(self, product_id: str) -> str | None:
        product, _, path, relation = self._known[product_id]
        self._parts += (r for r in _references(relation) if r not in self._made)
        vendor = _last(path, ("vendor",))
        version = _last(path, _VERSIONS)
        helper = product.members("product_identification_helper")
        cpe = helper.text("cpe") if helper is not None else ""
        ours = cpe.startswith("cpe:2.3:")  # STIX 2.1, Software: no older names
        kept = {
            "product_id": product_id,
            "branches": [
                {"category": category, "name": name}
                for category, name in path
                if name not in (vendor, version)
            ],
            "cpe": "" if ours else cpe,
            "product_identification_helper": helper.rest() if helper else None,
            **relation,
        }
        made = self._advisory.add(
            "software",
            product.where,
            [product_id],
            name=product.text("name") or product_id,
            vendor=vendor,
            version=version,
            cpe=cpe if ours else "",
            x_csaf={name: value for name, value in kept.items() if value},
        )
        product.close()
        return made


def _last(path: Path, categories: Iterable[str]) -> str:
    named = [name for category, name in path if category in categories]
    return named[-1] if named else ""


def _references(value: Any) -> Iterator[str]:
    """List the products that a relation names."""
    if type(value) is dict:
        for name, inner in value.items():
            if name.endswith("_reference") and type(inner) is str:
                yield inner
            else:
                yield from _references(inner)
    elif type(value) is list:
        for inner in value:
            yield from _references(inner)
