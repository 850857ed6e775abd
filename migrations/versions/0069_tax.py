"""Sales tax: the dated table of rules with its first rows, exemption certificates, the account of
what is owed to states, and who may see and edit.

The rows say what dealers' summaries and common tables of rates say. None was compared with the law
by two people, so each is marked to be verified. Where no exemption was known, all goods are taxed
at the rate of the state, which is the stricter.
"""

from itertools import product

import sqlalchemy as sa
from alembic import op

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None

HOLDERS = {
    "all:tax:read": ["SUPPORT", "COMPLIANCE", "AUDITOR", "ADMIN"],
    "all:tax:edit": ["COMPLIANCE", "ADMIN"],
}
#: Percent on all goods.
RATES = {
    "AL": "4", "AK": "0", "AZ": "5.6", "AR": "6.5", "CA": "7.25", "CO": "2.9", "CT": "6.35",
    "DE": "0", "DC": "6", "FL": "6", "GA": "4", "HI": "4", "ID": "6", "IL": "6.25", "IN": "7",
    "IA": "6", "KS": "6.5", "KY": "6", "LA": "5", "ME": "5.5", "MD": "6", "MA": "6.25", "MI": "6",
    "MN": "6.875", "MS": "7", "MO": "4.225", "MT": "0", "NE": "5.5", "NV": "6.85", "NH": "0",
    "NJ": "6.625", "NM": "4.875", "NY": "4", "NC": "4.75", "ND": "5", "OH": "5.75", "OK": "4.5",
    "OR": "0", "PA": "6", "RI": "7", "SC": "6", "SD": "4.2", "TN": "7", "TX": "6.25", "UT": "6.1",
    "VT": "6", "VA": "5.3", "WA": "6.5", "WV": "6", "WI": "5", "WY": "4",
}  # fmt: skip
NO_STATE_TAX = "No sales tax of the state, as dealers' summaries say"
NO_EXEMPTION = "Dealers' summaries: no exemption of precious metals. Rate as in common tables"
NOT_KNOWN = "Rate as in common tables. Exemptions were not looked up: all taxed, the stricter"
ALL_TAXED = {"DC", "HI", "ME", "KY"}
UNTAXED = {"AK", "DE", "MT", "NH", "OR"}
BARS_AND_COINS = ("bullion", "legal_tender")
WITH_RARE_COINS = (*BARS_AND_COINS, "numismatic")
MINTEDMARKET = "https://mintedmarket.ca/pages/us-tax-summary-states-a-m"
TEXMETALS = "https://texmetals.com/sales-tax"
#: State, classes, metals, least fineness, rate, cents from which exempt, direction, last day,
#: source and its address.
EXEMPTIONS = (
    ("AL", BARS_AND_COINS, ("AU", "AG", "PT", "PD"), "0.9", "0", None, None, None,
     "Dealers' summaries: exempt if .900 fine or finer", MINTEDMARKET),
    ("CA", WITH_RARE_COINS, ("AU", "AG"), None, None, 200000, "at_or_above", None,
     "Cal. Rev. & Tax. Code 6355, and dealers' summaries: taxed below 2,000 USD", TEXMETALS),
    ("CT", BARS_AND_COINS, ("AU", "AG"), None, None, 100000, "at_or_above", None,
     "Dealers' summaries: taxed below 1,000 USD", TEXMETALS),
    ("FL", BARS_AND_COINS, ("AU", "AG", "PT"), None, None, 50000, "above", None,
     "Fla. Stat. 212.08(7): exempt if above 500 USD. Dealers' summaries: taxed below it",
     TEXMETALS),
    ("IL", BARS_AND_COINS, ("AU", "AG", "PT", "PD"), "0.98", "0", None, None, None,
     "Dealers' summaries: taxed below .980 fine. 35 ILCS 120/2-5(18) may exempt more coins",
     MINTEDMARKET),
    ("MA", WITH_RARE_COINS, ("AU", "AG"), None, None, 100000, "at_or_above", None,
     "MGL 64H 6(ll): exempt from 1,000 USD", ""),
    ("MD", BARS_AND_COINS, ("AU", "AG", "PT"), None, None, 100000, "above", "2025-06-30",
     "Md. Tax-General 11-214.1 until its repeal: exempt if above 1,000 USD. Summaries: taxed below it",
     MINTEDMARKET),
)  # fmt: skip
FIRST_DAY = "2025-01-01"
#: The day on which the sources were read.
SOURCE_DATE = "2026-11-29"

STATES = ", ".join(f"'{state}'" for state in sorted(RATES))
TABLES = f"""
CREATE TABLE tax_rules (
    id uuid CONSTRAINT tax_rules_pkey PRIMARY KEY,
    state text NOT NULL CONSTRAINT tax_rule_state_known CHECK (state IN ({STATES})),
    tax_class text CONSTRAINT tax_rule_class_known CHECK (tax_class IN
        ('bullion', 'legal_tender', 'numismatic', 'processed', 'copper', 'accessory')),
    metal text CONSTRAINT tax_rule_metal_known CHECK (metal IN ('AU', 'AG', 'PT', 'PD', 'CU')),
    fineness_min numeric(5, 5) CONSTRAINT tax_rule_fineness_is_a_share
        CHECK (fineness_min > 0 AND fineness_min < 1),
    postal_prefix text NOT NULL
        CONSTRAINT tax_rule_prefix_is_digits CHECK (postal_prefix ~ '^([0-9]{{3,5}})?$'),
    rate_percent numeric(6, 4)
        CONSTRAINT tax_rule_rate_in_range CHECK (rate_percent BETWEEN 0 AND 20),
    exempt_from_units bigint
        CONSTRAINT tax_rule_threshold_positive CHECK (exempt_from_units > 0),
    threshold text
        CONSTRAINT tax_rule_direction_known CHECK (threshold IN ('at_or_above', 'above')),
    valid_from date NOT NULL,
    valid_until date,
    source text NOT NULL
        CONSTRAINT tax_rule_has_a_source CHECK (length(source) BETWEEN 5 AND 300),
    source_url text NOT NULL,
    source_date date NOT NULL,
    is_verified boolean NOT NULL,
    maker_id uuid,
    approval_id uuid,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT tax_rule_threshold_has_a_direction
        CHECK ((exempt_from_units IS NULL) = (threshold IS NULL)),
    CONSTRAINT tax_rule_ends_after_it_begins CHECK (valid_until >= valid_from)
);
CREATE INDEX tax_rules_state_idx ON tax_rules (state);
CREATE TRIGGER tax_rules_append_only BEFORE UPDATE OR DELETE ON tax_rules
    FOR EACH ROW EXECUTE FUNCTION forbid_rewriting();
CREATE TRIGGER tax_rules_never_truncated BEFORE TRUNCATE ON tax_rules
    FOR EACH STATEMENT EXECUTE FUNCTION forbid_rewriting();

CREATE TABLE exemption_certificates (
    id uuid CONSTRAINT exemption_certificates_pkey PRIMARY KEY,
    user_id uuid NOT NULL CONSTRAINT exemption_certificates_user_id_fkey REFERENCES users,
    state text NOT NULL CONSTRAINT certificate_state_known CHECK (state IN ({STATES})),
    holder text NOT NULL
        CONSTRAINT certificate_holder_known CHECK (holder IN ('person', 'company')),
    ground text NOT NULL
        CONSTRAINT certificate_ground_known CHECK (ground IN ('resale', 'government', 'charity')),
    number_sealed bytea NOT NULL,
    valid_until date NOT NULL,
    evidence text NOT NULL,
    recorded_by uuid NOT NULL
        CONSTRAINT exemption_certificates_recorded_by_fkey REFERENCES users,
    recorded_at timestamptz NOT NULL,
    verified_at timestamptz,
    approval_id uuid,
    revoked_at timestamptz,
    revoked_reason text,
    CONSTRAINT certificate_is_verified_by_a_request
        CHECK ((verified_at IS NULL) = (approval_id IS NULL)),
    CONSTRAINT revoked_certificate_has_a_reason
        CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL))
);
CREATE INDEX exemption_certificates_user_id_state_idx
    ON exemption_certificates (user_id, state);
CREATE INDEX exemption_certificates_valid_until_id_idx
    ON exemption_certificates (valid_until, id);
CREATE TRIGGER exemption_certificates_of_nobody_erased BEFORE INSERT ON exemption_certificates
    FOR EACH ROW EXECUTE FUNCTION forbid_adding_to_erased();

INSERT INTO account_classes (code, kind, guarded, name)
VALUES ('sales_tax', 'liability', false, 'Sales tax collected and not remitted');
"""
ADD_RULE = sa.text("""
INSERT INTO tax_rules (id, state, tax_class, metal, fineness_min, postal_prefix, rate_percent,
    exempt_from_units, threshold, valid_from, valid_until, source, source_url, source_date,
    is_verified, recorded_at)
VALUES (md5(concat_ws(' ', 'tax rule', CAST(:state AS text), CAST(:tax_class AS text),
        CAST(:metal AS text)))::uuid,
    :state, :tax_class, :metal, :fineness, '', :rate, :exempt_from, :threshold,
    CAST(:first_day AS date), CAST(:last_day AS date), :source, :url, :source_date, false,
    CAST(:first_day AS date)::timestamp AT TIME ZONE 'UTC')
""")


def _source(state: str) -> str:
    if state in UNTAXED:
        return NO_STATE_TAX
    if state in ALL_TAXED:
        return NO_EXEMPTION
    return (
        NOT_KNOWN if state not in {each[0] for each in EXEMPTIONS} else "Rate as in common tables"
    )


def _first_rules() -> list[dict[str, object]]:
    names = (
        "state", "tax_class", "metal", "fineness", "rate", "exempt_from", "threshold", "last_day",
        "source", "url",
    )  # fmt: skip
    rows: list[tuple[object, ...]] = [
        (state, None, None, None, rate, None, None, None, _source(state), "")
        for state, rate in RATES.items()
    ]
    for state, classes, metals, *terms in EXEMPTIONS:
        rows.extend((state, *goods, *terms) for goods in product(classes, metals))
    days = {"first_day": FIRST_DAY, "source_date": SOURCE_DATE}
    return [{**dict(zip(names, row, strict=True)), **days} for row in rows]


def upgrade() -> None:
    op.execute(TABLES)
    connection = op.get_bind()
    connection.execute(ADD_RULE, _first_rules())
    role = connection.exec_driver_sql(
        "SELECT quote_ident(current_setting('pbcex.application_role'))"
    ).scalar_one()
    op.execute(f"REVOKE UPDATE, DELETE ON exemption_certificates FROM {role}")
    op.execute(
        "GRANT UPDATE (number_sealed, verified_at, approval_id, revoked_at, revoked_reason)"
        f" ON exemption_certificates TO {role}"
    )
    for permission, roles in HOLDERS.items():
        connection.execute(
            sa.text("SELECT set_default_holders(:permission, :roles)"),
            {"permission": permission, "roles": roles},
        )


def downgrade() -> None:
    """Drop the tables; an account of the class, if there is one, stays."""
    op.execute("""
DROP TABLE exemption_certificates, tax_rules;
DELETE FROM account_classes c WHERE c.code = 'sales_tax'
    AND NOT EXISTS (SELECT FROM accounts a WHERE a.class = c.code);
""")
