//! Few words, so that what is drawn at random collides: hosts and paths as they stand in rules.

use proptest::prelude::*;
use proptest::sample::select;

/// Hosts that can be served, in canonical form; the empty one stands for every host.
const HOSTS: &[&str] = &[
    "",
    "a.com",
    "b.com",
    "a.b.com",
    "b.a.com",
    "x.a.b.com",
    "*.com",
    "*.a.com",
    "*.b.com",
    "*.a.b.com",
    "*.x.a.b.com",
    "*.2.3.4",
    "shop-1.example.com",
    "*.example.com",
    "xn--bcher-kva.example",
];

/// Hosts that have to be put into canonical form first, and hosts that are refused.
const ODD_HOSTS: &[&str] =
    &["A.com", "a.com.", "bücher.example", "*.B.com", "10.0.0.1", "[::1]", "*", "a_b.com", "a..b", "a.*.com"];

/// A host that can be served.
pub(crate) fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just(String::new()),
        // Rules of one host have something to say to each other, so most are for a few hosts.
        6 => Just("a.com".to_owned()),
        12 => select(&["x.a.com", "*.a.com", "*.com"][..]).prop_map(str::to_owned),
        4 => select(HOSTS).prop_map(str::to_owned),
        1 => (select(&["", "*."][..]), 60usize..=63, 58usize..=61).prop_map(|(star, label, last)| {
            // As long as a name may be, or nearly: four labels with three dots between them.
            format!("{star}{}.{}.{}.{}", "l".repeat(label), "m".repeat(63), "n".repeat(63), "o".repeat(last))
        }),
    ]
}

/// Whatever somebody may write into an object.
pub(crate) fn any_host() -> impl Strategy<Value = String> {
    prop_oneof![24 => host(), 1 => select(ODD_HOSTS).prop_map(str::to_owned)]
}

/// A path that a rule compares, always with a slash in front.
pub(crate) fn path() -> impl Strategy<Value = String> {
    let element = prop_oneof![
        12 => Just("a".to_owned()),
        12 => select(&["b", "ab", "ab", "abc", "A"][..]).prop_map(str::to_owned),
        1 => Just(String::new()),
        1 => select(&["%2F", "a%2Fb", "é", "~u", "x.y", "*", ";p=1"][..]).prop_map(str::to_owned),
        // Words of eight bytes, their seams, and a word of 64 bits are where indexes could be wrong.
        2 => (select(&["a", "w"][..]), 5usize..20).prop_map(|(letter, length)| letter.repeat(length)),
        1 => (52usize..68).prop_map(|length| "w".repeat(length)),
        // Longer than the length byte of a trie's node holds.
        1 => select(&[253usize, 254, 255, 256, 300][..]).prop_map(|length| "w".repeat(length)),
    ];
    (prop::collection::vec(element, 0..4), any::<bool>()).prop_map(|(elements, slash)| {
        let mut path = format!("/{}", elements.join("/"));
        if slash && path.len() > 1 {
            path.push('/');
        }
        path
    })
}

/// A path as it may stand in an object: also one that no normalised request has, or none at all.
pub(crate) fn any_path() -> impl Strategy<Value = String> {
    prop_oneof![
        24 => path(),
        1 => select(&["", "a", "/a/../b", "/%61", "/a?b", "/a#b", "/%zz", "/\u{1}", "/."][..]).prop_map(str::to_owned),
    ]
}
