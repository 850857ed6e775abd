"""What customers find: by metal, category, words, mistyped words and synonyms."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest

from app.catalog.categories import service as categories
from app.catalog.categories.service import CategoryEntry
from app.catalog.products import service as products
from app.catalog.products.rules import ProductForm
from app.catalog.products.service import NewProduct
from app.catalog.rules import Metal
from app.catalog.search import service as search
from app.catalog.tax_classes import TaxClass
from app.kit import clock, ids
from app.kit.db import Database
from app.kit.errors import Invalid, NotFound
from app.shop.storefront import queries as storefront_queries
from app.shop.storefront.queries import OfferPage, OfferSearch
from app.shop.storefront.rules import ProductSort, WeightBand
from tests.people import People
from tests.vault.goods import Goods

DIGITS_AS_LETTERS = str.maketrans("0123456789", "ghijklmnop")


@dataclass(frozen=True)
class Shop:
    """Products whose mint no other test has, so that a search among them finds no others."""

    database: Database
    mint: str

    def add(
        self,
        name: str,
        *,
        metal: Metal = Metal.AU,
        form: ProductForm = ProductForm.COIN,
        gross: str = "1",
        **details: str,
    ) -> str:
        """Add a published product and return its SKU."""
        # Without digits: a search for a number would find them.
        sku = f"P{ids.new().hex[-12:].translate(DIGITS_AS_LETTERS).upper()}"
        product = NewProduct(sku, name, metal, form, gross, "0.999", tax_class=TaxClass.BULLION)
        with self.database.transaction() as session:
            products.add_product(session, None, product)
            published = {"mint": self.mint, "published_from": "2026-01-01"}
            products.change_product(session, None, sku, published | details)
        return sku

    def category(self, *, parent: str | None = None) -> str:
        """Add a category and return its slug."""
        slug = f"c-{ids.new().hex[-12:]}"
        with self.database.transaction() as session:
            above = None
            if parent is not None:
                above = session.value(
                    "SELECT id FROM product_categories WHERE slug = %s", (parent,)
                )
            categories.add_category(session, None, CategoryEntry(slug, "Category", above))
        return slug

    def search(self, **search: object) -> OfferPage:
        """Return a page of what is found."""
        with self.database.reading() as session:
            return storefront_queries.list_offers(
                session,
                OfferSearch(**{"mint": self.mint} | search),  # type: ignore[arg-type] # texts, each to the field of its name
            )

    def found(self, **search: object) -> Sequence[str]:
        """Return the SKUs of a page of what is found."""
        return [offer.sku for offer in self.search(**search).page.data]


@pytest.fixture
def shop(database: Database) -> Shop:
    """A shop without products. Its mint has no numbers, which a search would find."""
    return Shop(database, f"Mint {ids.new().hex.translate(DIGITS_AS_LETTERS)}")


def test_product_is_seen_on_the_days_of_its_publication(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sku = shop.add("Coin", published_from="2026-03-01", published_until="2026-03-31")
    shop.add("Draft", published_from="", published_until="")
    seen = {}
    for day in ("2026-02-28", "2026-03-01", "2026-03-31", "2026-04-01"):
        instant = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
        monkeypatch.setattr(clock, "now", lambda instant=instant: instant)
        seen[day] = shop.found()
        if not seen[day]:
            with pytest.raises(NotFound), shop.database.reading() as session:
                storefront_queries.get_offer(session, sku)
    assert seen == {"2026-02-28": [], "2026-03-01": [sku], "2026-03-31": [sku], "2026-04-01": []}


@pytest.mark.parametrize("category", ["BARS", "BAR", "bars"])
def test_category_may_be_a_form_also_in_the_plural(shop: Shop, category: str) -> None:
    bar = shop.add("Bar", form=ProductForm.BAR)
    shop.add("Coin")
    assert shop.found(category=category) == [bar]


def test_category_has_what_is_below_it(shop: Shop) -> None:
    top = shop.category()
    below = shop.category(parent=top)
    first, second = shop.add("A", category=top), shop.add("B", category=below)
    assert set(shop.found(category=top)) == {first, second}
    assert shop.found(category=below) == [second]
    assert shop.found(category="no-such-category") == []
    with shop.database.reading() as session:
        counts = {each.slug: each for each in storefront_queries.list_category_offers(session)}
    assert (counts[top].count, counts[below].count, counts[below].parent) == (2, 1, top)


NAMES: dict[str, tuple[str, Metal, ProductForm]] = {
    "maple": ("Gold Maple Leaf, 1 oz", Metal.AU, ProductForm.COIN),
    "tenth": ("Gold Maple Leaf, 1/10 oz", Metal.AU, ProductForm.COIN),
    "krugerrand": ("Krugerrand, 1 oz", Metal.AU, ProductForm.COIN),
    "silver": ("Silver bar, 10 oz", Metal.AG, ProductForm.BAR),
    "large": ("Silver bar, 100 oz", Metal.AG, ProductForm.BAR),
    "eagle": ("Silver Eagle, 1 oz", Metal.AG, ProductForm.COIN),
    "kilo": ("Gold bar, 1 kg", Metal.AU, ProductForm.BAR),
    "accent": ("Médaille d'or", Metal.AU, ProductForm.ROUND),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("maple", {"maple", "tenth"}),
        ("mapel leaf", {"maple", "tenth"}),
        ("krug", {"krugerrand"}),
        ("Krugerand", {"krugerrand"}),
        ("10oz silver", {"silver"}),
        ("silver 10 ounces", {"silver"}),
        ("SILVER", {"silver", "large", "eagle"}),
        ("silver bars", {"silver", "large"}),
        ("silvr eagels", {"eagle"}),
        ("1/10 maple", {"tenth"}),
        ("tenth maple", {"tenth"}),
        ("kilo gold", {"kilo"}),
        ("medaille", {"accent"}),
        ("platinum", set()),
        ("'; DROP TABLE products --", set()),
        ("& | ! :* <->", set()),
        ("\\", set()),
    ],
)
def test_search_finds(shop: Shop, text: str, expected: set[str]) -> None:
    skus = {
        shop.add(name, metal=metal, form=form): key for key, (name, metal, form) in NAMES.items()
    }
    assert {skus[sku] for sku in shop.found(search=text)} == expected


def test_exact_words_come_before_similar_ones(shop: Shop) -> None:
    beginning = shop.add("Eagleton", display_order="1")
    exact = shop.add("Eagle", display_order="2")
    assert shop.found(search="eagles") == [exact, beginning]


def test_beginning_of_a_word_is_found_from_the_moment_a_product_has_it(shop: Shop) -> None:
    """A word that begins no longer one is looked up as it is."""
    word = f"q{ids.new().hex[-10:]}".translate(DIGITS_AS_LETTERS)
    own = shop.add(word, display_order="2")
    assert shop.found(search=word) == [own]
    longer = shop.add(f"{word}ton", display_order="1")
    assert shop.found(search=word) == [own, longer]
    assert shop.found(search=word, sort=ProductSort.WEIGHT) == sorted([own, longer])


def test_new_synonym_is_found_until_it_is_removed(shop: Shop) -> None:
    sku, word = shop.add("Britannia"), f"q{ids.new().hex[-10:]}".translate(DIGITS_AS_LETTERS)
    with shop.database.transaction() as session:
        synonym_id = search.add_synonym(session, None, word, "Britannias")
    assert shop.found(search=word) == [sku]
    with shop.database.transaction() as session:
        search.remove_synonym(session, None, synonym_id)
    assert shop.found(search=word) == []


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (ProductSort.SHOP, ["b", "c", "a"]),
        (ProductSort.NEWEST, ["c", "a", "b"]),
        (ProductSort.WEIGHT, ["a", "b", "c"]),
        (ProductSort.HEAVIEST, ["c", "b", "a"]),
    ],
)
def test_pages_follow_each_other_in_every_sort(
    shop: Shop, sort: ProductSort, order: list[str]
) -> None:
    names = {
        shop.add("A", gross="1", display_order="3", published_from="2026-02-02"): "a",
        shop.add("B", gross="2", display_order="1", published_from="2026-01-01"): "b",
        shop.add("C", gross="3", display_order="2", published_from="2026-03-03"): "c",
    }
    assert pages(lambda cursor: shop.search(sort=sort, cursor=cursor, limit=1), names) == order
    first = shop.search(sort=sort, limit=1).page.next_cursor
    other = next(each for each in ProductSort if each is not sort)
    with pytest.raises(Invalid, match="cursor"):
        shop.search(sort=other, cursor=first)


def pages(fetch: Callable[[str | None], OfferPage], names: dict[str, str]) -> list[str]:
    """Return the names of the products of all pages."""
    found, cursor = [], None
    while True:
        page = fetch(cursor).page
        found += [names[offer.sku] for offer in page.data]
        cursor = page.next_cursor
        if cursor is None:
            return found


def test_facets_count_all_that_was_found(shop: Shop, people: People) -> None:
    goods = Goods.at_a_new_location(people)
    goods.receive()
    with shop.database.transaction() as session:
        published = {"mint": shop.mint, "published_from": "2026-01-01"}
        products.change_product(session, None, goods.sku, published)
    shop.add("Bar", form=ProductForm.BAR, metal=Metal.AG, gross="10")
    shop.add("Coin", gross="0.5")
    result = shop.search(facets=True, limit=1)
    assert result.facets is not None
    counted = {
        name: {each.value: each.count for each in values} for name, values in result.facets.items()
    }
    assert counted == {
        "metal": {"AU": 2, "AG": 1},
        "form": {"COIN": 2, "BAR": 1},
        "mint": {shop.mint: 3},
        "weight": {"1": 1, "under_1": 1, "to_10": 1},
        "price": {},
        "in_stock": {"false": 2, "true": 1},
    }
    [offer] = shop.search(in_stock=True).page.data
    assert (offer.sku, offer.available) == (goods.sku, 10)
    assert len(shop.found(weight=WeightBand.TO_10)) == 1
    assert shop.search().facets is None


def test_a_page_takes_at_most_three_statements(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.add("Gold coin")
    trips = []
    with shop.database.reading() as session:
        fetch = session.fetch
        monkeypatch.setattr(
            session, "fetch", lambda *sent: (trips.append(len(sent)), fetch(*sent))[1]
        )
        storefront_queries.list_offers(
            session, OfferSearch(mint=shop.mint, search="gold coin", category="COINS", facets=True)
        )
    assert trips == [1, 2]


def test_product_has_the_published_variants_of_its_group(shop: Shop) -> None:
    group = f"g-{ids.new().hex[-12:]}"
    heavy = shop.add("Heavy", gross="2", variant_group=group)
    light = shop.add("Light", gross="1", variant_group=group)
    shop.add("Draft", variant_group=group, published_from="")
    alone = shop.add("Alone")
    with shop.database.reading() as session:
        details = storefront_queries.get_offer(session, heavy.lower())
        assert [variant.sku for variant in details.variants] == [light]
        assert storefront_queries.get_offer(session, alone).variants == []
