"""Products: what is sold (https://docs.stripe.com/api/products)."""

from typing import Any

from localcloud.stripe.errors import invalid, no_such
from localcloud.stripe.lists import filters, page
from localcloud.stripe.params import (
    EXPAND,
    PAGE,
    Array,
    Boolean,
    Hash,
    Metadata,
    Range,
    Spec,
    Text,
    Url,
    words,
)
from localcloud.stripe.registry import Resource, Route
from localcloud.stripe.store import EXISTS, Obj, among, equal
from localcloud.stripe.work import Work, merge_metadata

URL = "/v1/products"
FIELDS: dict[str, Spec] = {
    **EXPAND,
    "active": Boolean(),
    "description": Text(clearable=True, longest=40000),
    "images": Array(Url(), longest=8, clearable=True),
    "marketing_features": Array(Hash({"name": Text(80)}, required=("name",)), 15, clearable=True),
    "metadata": Metadata(),
    "name": Text(),
    "shippable": Boolean(),
    "statement_descriptor": Text(22),
    "unit_label": Text(12, clearable=True),
    "url": Url(clearable=True),
}
CREATE = Hash(
    {**FIELDS, "id": Text(255)},
    required=("name",),
    unbuilt=words("default_price_data package_dimensions tax_code tax_details type"),
)
UPDATE = Hash(
    {**FIELDS, "default_price": Text()},
    unbuilt=words("package_dimensions tax_code tax_details"),
)
LIST = Hash(
    {**PAGE, "active": Boolean(), "created": Range(), "ids": Array(Text()), "url": Text()},
    unbuilt=words("shippable type"),
)


def create(work: Work, params: Obj) -> Obj:
    product = work.new(
        "product",
        active=True,
        default_price=None,
        description=None,
        images=[],
        marketing_features=[],
        metadata={},
        package_dimensions=None,
        shippable=None,
        statement_descriptor=None,
        tax_code=None,
        type="service",
        unit_label=None,
        updated=work.now,
        url=None,
    )
    if "id" in params and work.store.seq("product", params["id"]) is not None:
        raise invalid(f"Product already exists: {params['id']}", "id", "resource_already_exists")
    product.update(params)
    product["metadata"] = merge_metadata({}, params.get("metadata"))
    return work.present(work.create(product, "product.created"))


def retrieve(work: Work, params: Obj, id: str) -> Obj:
    product = work.find("product", id)
    if product is None:
        raise no_such("product", id)
    return work.present(product)


def update(work: Work, params: Obj, id: str) -> Obj:
    product = work.need("product", id)
    changes: dict[str, Any] = {**params, "updated": work.now}
    if "metadata" in params:
        changes["metadata"] = merge_metadata(product["metadata"], params["metadata"])
    if "default_price" in params:
        price = work.need("price", params["default_price"], param="default_price")
        if price["product"] != id:
            raise invalid("The price must belong to the product.", "default_price")
    return work.present(work.update(product, "product.updated", **changes))


def delete(work: Work, params: Obj, id: str) -> Obj:
    product = work.need("product", id)
    if work.store.select("price", equal("product", id), limit=1):
        raise invalid(
            "This product cannot be deleted because it has one or more user-created prices.", "id"
        )
    work.emit("product.deleted", product)
    return work.present(work.update(product, _deleted=True))


def list_all(work: Work, params: Obj) -> Obj:
    wheres = [EXISTS, *filters(params, "active", "created", "url")]
    if "ids" in params:
        wheres.append(among("id", params["ids"]))
    return page(work, "product", URL, params, *wheres)


RESOURCE = Resource(
    kind="product",
    expandable={"default_price": "price"},
    routes=(
        Route("POST", URL, create, CREATE),
        Route("GET", URL, list_all, LIST),
        Route("GET", URL + "/{id}", retrieve, Hash(EXPAND)),
        Route("POST", URL + "/{id}", update, UPDATE),
        Route("DELETE", URL + "/{id}", delete),
    ),
)
