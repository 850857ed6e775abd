"""Features: what the environment allows, and which people a cohort has."""

from uuid import UUID

import pytest
from flask import Flask

from app.config import Settings, UnsafeSettings
from app.flags import rules
from app.flags.rules import (
    EVERYONE,
    Cohort,
    Feature,
    FeatureCeiling,
    FeatureState,
    FulfilmentStrategy,
)
from app.kit import ids
from app.kit.errors import Invalid
from app.wiring import ports

ADA, BEN = UUID(int=1), UUID(int=2)
NO_PERSON: frozenset[UUID] = frozenset()


def test_environment_allows_nothing_by_default_and_everything_in_the_sample(app: Flask) -> None:
    default = ports._feature_ceiling(Settings())
    assert default == FeatureCeiling(1, frozenset(), FulfilmentStrategy.JM)
    assert not any(map(default.allows, Feature))
    sample = ports._feature_ceiling(app.extensions["settings"])
    assert all(map(sample.allows, Feature))


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("PHASE", "0"),
        ("PHASE", "4"),
        ("ENABLE_VAULT_REDEMPTION", "perhaps"),
        ("ENABLE_ONCHAIN", ""),
        ("FULFILLMENT_STRATEGY", "UPS"),
    ],
)
def test_unknown_value_of_a_flag_is_refused_by_its_name(variable: str, text: str) -> None:
    with pytest.raises(UnsafeSettings) as refused:
        Settings.load(**{variable: text})
    assert set(refused.value.problems) == {variable}


def test_person_of_a_share_is_in_each_larger_one_and_shares_differ_by_feature() -> None:
    everyone = [UUID(int=number << 80) for number in range(1000)]

    def chosen(feature: Feature, share: int) -> set[UUID]:
        cohort = Cohort(share, NO_PERSON)
        return {each for each in everyone if cohort.includes(feature, each)}

    sizes = []
    for share in range(0, 101, 20):
        assert chosen(Feature.ONCHAIN, share) <= chosen(Feature.ONCHAIN, share + 1)
        sizes.append(len(chosen(Feature.ONCHAIN, share)))
    assert (sizes[0], sizes[-1]) == (0, 1000)
    assert all(abs(size - 200 * step) < 60 for step, size in enumerate(sizes))
    assert chosen(Feature.ONCHAIN, 20) != chosen(Feature.SUPPORT, 20)


def test_listed_person_has_the_feature_at_any_share() -> None:
    assert Cohort(0, frozenset({ADA})).includes(Feature.ONCHAIN, ADA)
    assert not Cohort(0, frozenset({ADA})).includes(Feature.ONCHAIN, BEN)


def test_cohort_is_within_another_by_its_share_and_its_people() -> None:
    some = Cohort(20, frozenset({ADA}))
    for narrower in (some, Cohort(19, frozenset({ADA})), Cohort(20, NO_PERSON)):
        assert narrower.is_within(some)
    for wider in (Cohort(21, frozenset({ADA})), Cohort(20, frozenset({ADA, BEN})), EVERYONE):
        assert not wider.is_within(some)
    assert Cohort(100, frozenset({ADA})).is_within(EVERYONE)


def test_state_says_for_whom_a_feature_is_on() -> None:
    states = {
        EVERYONE: FeatureState.EVERYONE,
        Cohort(99, NO_PERSON): FeatureState.SOME,
        Cohort(0, frozenset({ADA})): FeatureState.SOME,
        Cohort(0, NO_PERSON): FeatureState.OFF,
    }
    for cohort, state in states.items():
        assert rules.state_of(cohort, is_allowed=True) is state
        assert rules.state_of(cohort, is_allowed=False) is FeatureState.NOT_ALLOWED


def test_share_is_a_whole_number_up_to_a_hundred() -> None:
    assert [rules.parse_share(text) for text in ("0", "7", "100")] == [0, 7, 100]
    for text in ("101", "-1", "1.5", "07", "", "٣", "all"):
        with pytest.raises(Invalid, match="Enter a whole number from 0 to 100"):
            rules.parse_share(text)


def test_people_are_entered_by_id_a_hundred_at_most() -> None:
    ada, ben = ids.encode("usr", ADA), ids.encode("usr", BEN)
    assert rules.parse_people(f" {ada},\n{ben};{ada}") == {ADA, BEN}
    assert rules.parse_people(" ") == NO_PERSON
    assert rules.parse_people(rules.write_people({BEN, ADA})) == {ADA, BEN}
    hundred = rules.write_people(UUID(int=number) for number in range(100))
    assert len(rules.parse_people(hundred)) == 100
    with pytest.raises(Invalid, match="at most 100 people"):
        rules.parse_people(f"{hundred} {ids.encode('usr', UUID(int=100))}")
    with pytest.raises(Invalid, match=r"'ada@example\.com' is not the ID of a person"):
        rules.parse_people("ada@example.com")
