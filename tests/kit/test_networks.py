"""Networks that count as one sender."""

from app.kit.networks import network_of, site_of


def test_ipv6_addresses_of_one_network_count_together() -> None:
    assert network_of("203.0.113.9") == "203.0.113.9"
    assert network_of("2001:db8:1:2:3:4:5:6") == network_of("2001:db8:1:2::1")
    assert network_of("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    assert network_of("2001:db8:1:3::1") != network_of("2001:db8:1:2::1")
    assert network_of("::ffff:203.0.113.9") == "203.0.113.9"
    assert network_of("unix:") == network_of("") == "unknown"


def test_ipv6_networks_of_one_site_have_one_48() -> None:
    assert site_of("2001:db8:1:2::/64") == site_of("2001:db8:1:ffff::/64") == "2001:db8:1::/48"
    assert site_of("203.0.113.9") is site_of("unknown") is None
