//! `ingress explain`.

use insta::assert_snapshot;

use super::program::shown;

const SHOP: &str = "ingress-cli/examples/shop";

#[test]
fn the_way_to_a_rule() {
    assert_snapshot!(shown(&["explain", "-f", SHOP, "https://shop.example.com/cart/7"], ""));
}

#[test]
fn the_way_through_several_hosts() {
    assert_snapshot!(shown(
        &["explain", "-f", SHOP, "https://ada.shops.example.com/%2e%2e/about/", "http://a.b/%zz"],
        ""
    ));
}

#[test]
fn as_data() {
    assert_snapshot!(shown(
        &[
            "explain",
            "-f",
            SHOP,
            "-o",
            "json",
            "--client-ip",
            "192.0.2.7",
            "https://ada.shops.example.com/about"
        ],
        ""
    ));
}

#[test]
fn a_batch() {
    let requests = "{\"id\":\"a\",\"path\":\"/%00\"}\n{\"id\":\"b\",\"host\":\"www.shop.example.com\",\"sni\":\"x\",\"path\":\"/\"}\n";
    assert_snapshot!(shown(&["explain", "-f", SHOP, "--requests", "-", "-o", "json"], requests));
}

#[test]
fn nothing_in_a_request_reaches_the_terminal_as_it_is() {
    let requests = "{\"host\":\"a\\u001b]0;x\\u0007\",\"path\":\"/\\u001b[2J\"}\n";
    for command in ["route", "explain"] {
        let shown = shown(&[command, "-f", SHOP, "--requests", "-", "--color", "never"], requests);
        assert!(!shown.contains(['\u{1b}', '\u{7}']), "{shown:?}");
    }
}
