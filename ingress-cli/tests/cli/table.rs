//! `ingress table`.

use insta::assert_snapshot;

use super::program::shown;

const SHOP: &str = "ingress-cli/examples/shop";

#[test]
fn as_text() {
    assert_snapshot!(shown(&["table", "-f", SHOP], ""));
}

#[test]
fn as_data() {
    assert_snapshot!(shown(&["table", "-f", SHOP, "-o", "json"], ""));
}

#[test]
fn one_host() {
    assert_snapshot!(shown(&["table", "-f", SHOP, "--host", "*.Shops.example.com"], ""));
}

#[test]
fn rules_without_a_host() {
    assert_snapshot!(shown(&["table", "-f", SHOP, "--host", "*", "-o", "json"], ""));
}

#[test]
fn a_host_that_is_not_there() {
    assert_snapshot!(shown(&["table", "-f", SHOP, "--host", "none.example.com"], ""));
}

#[test]
fn a_host_that_is_meant() {
    assert_snapshot!(shown(&["table", "-f", SHOP, "--host", "shop.exmaple.com"], ""));
    assert_snapshot!(
        "a_host_of_a_wildcard",
        shown(&["table", "-f", SHOP, "--host", "x.shops.example.com"], "")
    );
}

#[test]
fn a_host_that_is_none() {
    assert_snapshot!(shown(&["table", "-f", SHOP, "--host", "192.0.2.7"], ""));
}
