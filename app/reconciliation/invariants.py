"""Every invariant of the books: the ledger's, that lots, bars, drawers and storage fees agree with
it, and that the shop finds products by what is true of them."""

from app.kit.db import Session
from app.ledger import verification as ledger_verification
from app.ledger.verification import Invariant, Violation

LOT_INVARIANTS = (
    Invariant(
        "what is left of a lot is the sum of its movements",
        """SELECT format('lot %s at %s: left are %s units and %s cents, by its movements %s and %s',
                         lot_id, location_id, coalesce(l.units, 0), coalesce(l.premium_usd, 0),
                         coalesce(m.units, 0), coalesce(m.premium_usd, 0))
           FROM lot_stock l
           FULL JOIN (SELECT lot_id, location_id, sum(units) AS units,
                             sum(premium_usd) AS premium_usd
                      FROM lot_movements GROUP BY lot_id, location_id) m
               USING (lot_id, location_id)
           WHERE coalesce(l.units, 0) <> coalesce(m.units, 0)
              OR coalesce(l.premium_usd, 0) <> coalesce(m.premium_usd, 0)""",
    ),
    Invariant(
        "the units left of lots are those on the shelves and on their way",
        """SELECT format('%s at %s: left of lots are %s, the ledger has %s', sku, location_id,
                         coalesce(l.units, 0), coalesce(s.units, 0))
           FROM (SELECT sku, location_id, sum(units) AS units FROM lot_stock
                 GROUP BY sku, location_id) l
           FULL JOIN (SELECT a.asset AS sku, a.owner_id AS location_id, sum(b.posted) AS units
                      FROM accounts a JOIN balances b ON b.account_id = a.id
                      WHERE a.class IN ('stock.available', 'stock.quarantine', 'stock.in_transit')
                      GROUP BY a.asset, a.owner_id) s
               USING (sku, location_id)
           WHERE coalesce(l.units, 0) <> coalesce(s.units, 0)""",
    ),
    Invariant(
        "the premium left of lots is the premium of their branch",
        """SELECT format('branch %s: left of lots are %s cents, the ledger has %s', branch_id,
                         coalesce(l.units, 0), coalesce(s.units, 0))
           FROM (SELECT p.branch_id, sum(l.premium_usd) AS units
                 FROM lot_stock l JOIN locations p ON p.id = l.location_id GROUP BY p.branch_id) l
           FULL JOIN (SELECT a.owner_id AS branch_id, sum(p.units) AS units
                      FROM accounts a JOIN postings p ON p.account_id = a.id
                      WHERE a.class = 'inventory.premium' GROUP BY a.owner_id) s USING (branch_id)
           WHERE coalesce(l.units, 0) <> coalesce(s.units, 0)""",
    ),
    Invariant(
        "the ounces left of lots are the metal of their branch",
        """SELECT format('branch %s: left of lots are %s units of %s, the ledger has %s', branch_id,
                         coalesce(l.units, 0), asset, coalesce(s.units, 0))
           FROM (SELECT p.branch_id, 'X' || d.metal || '-s' AS asset,
                        sum(o.ounces_units / o.units * l.units) AS units
                 FROM lot_stock l
                 JOIN lots o ON o.id = l.lot_id
                 JOIN products d ON d.sku = l.sku
                 JOIN locations p ON p.id = l.location_id
                 GROUP BY p.branch_id, d.metal) l
           FULL JOIN (SELECT a.owner_id AS branch_id, a.asset, sum(p.units) AS units
                      FROM accounts a JOIN postings p ON p.account_id = a.id
                      WHERE a.class = 'inventory.metal' GROUP BY a.owner_id, a.asset) s
               USING (branch_id, asset)
           WHERE coalesce(l.units, 0) <> coalesce(s.units, 0)""",
    ),
)
BAR_INVARIANTS = (
    Invariant(
        "bars in a state at a location are the units that the ledger counts",
        """SELECT format('%s %s at location %s: the ledger counts %s, the bars are %s', state,
                         sku, location_id, coalesce(l.units, 0), coalesce(b.units, 0))
           FROM (SELECT a.asset AS sku, a.owner_id AS location_id, substr(a.class, 7) AS state,
                        s.posted AS units
                 FROM accounts a JOIN balances s ON s.account_id = a.id
                 JOIN products p ON p.sku = a.asset AND p.is_serialized
                 WHERE a.class LIKE 'stock.%' AND a.guarded) l
           FULL JOIN (SELECT sku, location_id, state, count(*) AS units FROM bars
                      WHERE state NOT IN ('delivered', 'written_off', 'returned')
                      GROUP BY sku, location_id, state) b USING (sku, location_id, state)
           WHERE coalesce(l.units, 0) <> coalesce(b.units, 0)""",
    ),
    Invariant(
        "bars of a customer are the units that they own",
        """SELECT format('%s of %s: the ledger counts %s, the bars are %s', sku, owner_id,
                         coalesce(l.units, 0), coalesce(b.units, 0))
           FROM (SELECT a.asset AS sku, a.owner_id, s.posted AS units
                 FROM accounts a JOIN balances s ON s.account_id = a.id
                 JOIN products p ON p.sku = a.asset AND p.is_serialized
                 WHERE a.class = 'customer.goods') l
           FULL JOIN (SELECT sku, owner_id, count(*) AS units FROM bars
                      WHERE state IN ('allocated', 'picked', 'shipped')
                      GROUP BY sku, owner_id) b
               USING (sku, owner_id)
           WHERE coalesce(l.units, 0) <> coalesce(b.units, 0)""",
    ),
    Invariant(
        "a hold of bars names as many as it holds",
        """SELECT format('hold %s holds %s and names %s', h.id, h.units, count(b.lot_id))
           FROM holds h JOIN accounts a ON a.id = h.account_id
           JOIN products p ON p.sku = a.asset AND p.is_serialized
           LEFT JOIN bars b ON b.hold_id = h.id
           WHERE h.status = 'pending'
           GROUP BY h.id, h.units HAVING count(b.lot_id) <> h.units""",
    ),
)
#: Triggers keep what the storefront searches (`app.shop.storefront.models`).
LISTING_INVARIANTS = (
    Invariant(
        "a product is listed as it is",
        """SELECT format('%s: listed as %s, the product has %s', sku, l.columns, p.columns)
           FROM (SELECT sku, (metal, form, mint, category_id, gross_units, fine_units,
                     display_order, popularity, published_from, published_until, search)::text
                     AS columns FROM products) p
           FULL JOIN (SELECT sku, (metal, form, mint, category_id, gross_units, fine_units,
                          display_order, popularity, published_from, published_until, search)::text
                          AS columns FROM listings) l USING (sku)
           WHERE l.columns IS DISTINCT FROM p.columns""",
    ),
    Invariant(
        "a listing counts the places with units for sale",
        """SELECT format('%s: listed are %s places, %s have units', sku, listings.stocked_places,
                         coalesce(s.places, 0))
           FROM listings
           LEFT JOIN (SELECT a.asset AS sku, count(*) AS places FROM accounts a
                      JOIN balances b ON b.account_id = a.id JOIN locations l ON l.id = a.owner_id
                      WHERE a.class = 'stock.available' AND b.posted > b.held
                          AND l.kind IN ('vault', 'store', 'depot')
                      GROUP BY a.asset) s USING (sku)
           WHERE listings.stocked_places <> coalesce(s.places, 0)""",
    ),
    Invariant(
        "a listing has the terms of the rule of its product",
        """SELECT format('%s: listed are %s from %s until %s', l.sku, l.own_terms,
                         l.own_terms_from, l.own_terms_until)
           FROM listings l
           WHERE l.own_terms IS DISTINCT FROM (
                   SELECT ARRAY[t.percent, t.per_ounce, t.per_unit_units] FROM price_rules r
                   JOIN price_rule_tiers t ON t.rule_id = r.id AND t.from_quantity = 1
                   WHERE r.sku = l.sku AND r.valid_from <= l.own_terms_from
                       AND coalesce(r.valid_until, 'infinity') > l.own_terms_from
                       AND coalesce(r.ended_at, 'infinity') > l.own_terms_from
                   ORDER BY r.valid_from DESC, r.id DESC LIMIT 1)
              OR EXISTS (
                   SELECT FROM price_rules r,
                       unnest(ARRAY[r.valid_from, r.valid_until, r.ended_at]) AS edge
                   WHERE r.sku = l.sku AND edge > l.own_terms_from AND edge < l.own_terms_until)""",
    ),
)
CASH_INVARIANTS = (
    Invariant(
        "a movement of cash is what its entry moved",
        """SELECT format('%s at %s: the movements are %s cents, the entry has %s', reference, place,
                         coalesce(m.units, 0), coalesce(p.units, 0))
           FROM (SELECT m.reference, coalesce(d.till_id, m.branch_id) AS place,
                        sum(m.units) AS units
                 FROM cash_movements m LEFT JOIN drawers d ON d.id = m.drawer_id
                 GROUP BY m.reference, coalesce(d.till_id, m.branch_id)) m
           FULL JOIN (SELECT e.reference, a.owner_id AS place, sum(p.units) AS units
                      FROM accounts a JOIN postings p ON p.account_id = a.id
                      JOIN entries e ON e.id = p.entry_id
                      WHERE a.class IN ('till.cash', 'branch.cash')
                      GROUP BY e.reference, a.owner_id) p USING (reference, place)
           WHERE coalesce(m.units, 0) <> coalesce(p.units, 0)""",
    ),
    Invariant(
        "a drawer or a safe holds what its movements left there",
        """SELECT format('%s holds %s, its movements left %s', place, held, left_there)
           FROM (SELECT 'drawer ' || d.id AS place, d.pieces AS held, (
                     SELECT array_agg(coalesce((
                         SELECT sum(m.pieces[nth]) FROM cash_movements m WHERE m.drawer_id = d.id
                     ), 0) ORDER BY nth) FROM generate_subscripts(d.pieces, 1) AS nth
                 ) AS left_there FROM drawers d
                 UNION ALL
                 SELECT 'safe of ' || s.branch_id, s.pieces, (
                     SELECT array_agg(coalesce((
                         SELECT sum(m.pieces[nth]) FROM cash_movements m
                         WHERE m.branch_id = s.branch_id AND m.drawer_id IS NULL
                     ), 0) ORDER BY nth) FROM generate_subscripts(s.pieces, 1) AS nth
                 ) FROM safes s) AS places
           WHERE held::numeric[] <> left_there""",
    ),
    Invariant(
        "a till has the cash of its drawer",
        """SELECT format('till %s: its drawer holds %s cents, the ledger has %s', till_id,
                         coalesce(d.units, 0), coalesce(b.units, 0))
           FROM (SELECT d.till_id, sum(m.units) AS units
                 FROM drawers d JOIN cash_movements m ON m.drawer_id = d.id
                 WHERE d.status <> 'closed' GROUP BY d.till_id) d
           FULL JOIN (SELECT a.owner_id AS till_id, b.posted AS units
                      FROM accounts a JOIN balances b ON b.account_id = a.id
                      WHERE a.class = 'till.cash') b USING (till_id)
           WHERE coalesce(d.units, 0) <> coalesce(b.units, 0)""",
    ),
)
STORAGE_FEE_INVARIANTS = (
    Invariant(
        "a storage fee of a metal is what its entry posted",
        """SELECT format('%s of %s: charged are %s cents, its entry posted %s', reference, metal,
                         coalesce(c.units, 0), coalesce(p.units, 0))
           FROM (SELECT reference, metal, sum(l.fee_units) AS units
                 FROM storage_charges JOIN storage_charge_lines l ON l.charge_id = id
                 WHERE reference IS NOT NULL GROUP BY reference, metal) c
           FULL JOIN (SELECT e.reference, upper(substr(a.class, 14)) AS metal,
                             -sum(p.units) AS units
                      FROM accounts a JOIN postings p ON p.account_id = a.id
                      JOIN entries e ON e.id = p.entry_id
                      WHERE a.class LIKE 'storage_fees.%' AND e.cause = 'storage_fee'
                      GROUP BY e.reference, a.class) p USING (reference, metal)
           WHERE coalesce(c.units, 0) <> coalesce(p.units, 0)""",
    ),
    Invariant(
        "the parts of a storage fee add up to it",
        """SELECT format('charge %s: %s cents, its parts %s', c.id, c.fee_units, sum(l.fee_units))
           FROM storage_charges c LEFT JOIN storage_charge_lines l ON l.charge_id = c.id
           GROUP BY c.id HAVING sum(l.fee_units) IS DISTINCT FROM c.fee_units""",
    ),
    Invariant(
        "a storage fee that was charged is reversed when it is waived",
        """SELECT format('%s: %s', c.reference, c.status)
           FROM storage_charges c JOIN entries e ON e.reference = c.reference
           LEFT JOIN entries r ON r.reverses_id = e.id
           WHERE (c.status = 'waived') <> (r.id IS NOT NULL)""",
    ),
)
INVARIANTS = (
    *ledger_verification.INVARIANTS,
    *LOT_INVARIANTS,
    *BAR_INVARIANTS,
    *CASH_INVARIANTS,
    *LISTING_INVARIANTS,
    *STORAGE_FEE_INVARIANTS,
)


def find_violations(session: Session) -> list[Violation]:
    """Return the violations of every invariant, as `app.ledger.verification` does."""
    return ledger_verification.find_violations(session, INVARIANTS)
