"""Drawings of coins, rounds and bars as SVG, which the program makes for the sample."""

from html import escape

from app.catalog.products.rules import ProductForm
from app.catalog.products.service import NewProduct
from app.catalog.rules import Metal

SIZE = (1200, 1200)
#: The light, the middle and the dark colour of each metal.
_COLOURS = {
    Metal.AU: ("#fbe9a9", "#d9a92f", "#8a6410"),
    Metal.AG: ("#f7f9fb", "#b9c1c9", "#6a737c"),
    Metal.PT: ("#f4f5f2", "#c3c6bd", "#74776d"),
    Metal.PD: ("#f1eff4", "#bdb7c6", "#6f6878"),
    Metal.CU: ("#f6cdb0", "#c9743c", "#7a3f17"),
}
_COIN = """<circle cx="600" cy="600" r="520" fill="url(#m)" stroke="{dark}" stroke-width="14"/>
<circle cx="600" cy="600" r="478" fill="none" stroke="{dark}" stroke-width="{edge}"{dashes}/>"""
_BAR = """<rect x="330" y="90" width="540" height="1020" rx="44" fill="url(#m)" stroke="{dark}"
 stroke-width="14"/>
<rect x="372" y="132" width="456" height="936" rx="24" fill="none" stroke="{dark}"
 stroke-width="6"/>"""
_DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 1200" width="1200" \
height="1200" role="img"><title>{title}</title>
<defs><linearGradient id="m" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="{light}"/>
<stop offset=".55" stop-color="{middle}"/><stop offset="1" stop-color="{dark}"/></linearGradient>
</defs><rect width="1200" height="1200" fill="#fff"/>
{shape}
<g fill="{dark}" font-family="Georgia, serif" text-anchor="middle">
<text x="600" y="430" font-size="{name_size}">{name}</text>
<text x="600" y="650" font-size="170" font-weight="bold">{size}</text>
<text x="600" y="790" font-size="72">{metal} {fineness}</text>
<text x="600" y="900" font-size="44" letter-spacing="6">SPECIMEN</text></g></svg>
"""
_NAME_SIZES = ((9, 84), (14, 62), (99, 44))


def draw_product(product: NewProduct) -> tuple[str, str]:
    """Return a drawing of a product as SVG, and what it shows."""
    light, middle, dark = _COLOURS[product.metal]
    name, _, size = product.name.partition(", ")
    is_bar = product.form is ProductForm.BAR
    shape = _BAR if is_bar else _COIN
    dashes = ' stroke-dasharray="10 12"' if product.form is ProductForm.COIN else ""
    width = len(name) * (2 if is_bar else 1)
    svg = _DRAWING.format(
        title=escape(product.name),
        light=light,
        middle=middle,
        dark=dark,
        shape=shape.format(dark=dark, edge=18 if dashes else 6, dashes=dashes),
        name=escape(name),
        name_size=next(points for most, points in _NAME_SIZES if width <= most),
        size=escape(size),
        metal=product.metal,
        fineness=product.fineness,
    )
    return svg, f"Drawing of a {product.form.label.lower()}: {product.name}"
