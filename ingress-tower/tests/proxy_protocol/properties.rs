//! What holds for any bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ingress_tower::proxy_protocol::{Endpoints, Parsed, Version, parse};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::encode::{SIGNATURE, v1, v2, v2_raw, with_checksum};

/// What more bytes cannot change: an answer that is not "incomplete". And what a caller relies on: that
/// an incomplete header needs more than there is, and no more than the whole one has.
fn stable(bytes: &[u8]) {
    let whole = parse(bytes);
    for end in 0..bytes.len() {
        match parse(&bytes[..end]) {
            Ok(Parsed::Incomplete { needed }) => {
                assert!(needed > end);
                if let Ok(Parsed::Complete { length, .. }) = whole {
                    assert!(end < length && needed <= length, "{end} {needed} {length}");
                }
            }
            answer => assert_eq!(answer, whole, "{end} of {}", bytes.escape_ascii()),
        }
    }
    if let Ok(Parsed::Complete { length, .. }) = whole {
        assert!(length <= bytes.len());
    }
}

fn addresses() -> impl Strategy<Value = (SocketAddr, SocketAddr)> {
    let v4 = any::<[(Ipv4Addr, u16); 2]>().prop_map(|pair| pair.map(|(ip, port)| (IpAddr::V4(ip), port)));
    let v6 = any::<[(Ipv6Addr, u16); 2]>().prop_map(|pair| pair.map(|(ip, port)| (IpAddr::V6(ip), port)));
    prop_oneof![v4, v6].prop_map(|[source, destination]| (source.into(), destination.into()))
}

/// Fields of types whose values may be anything.
fn fields() -> impl Strategy<Value = Vec<(u8, Vec<u8>)>> {
    let kind = prop_oneof![Just(1), Just(2), Just(4), Just(5), 0x30..=0xff_u8];
    vec((kind, vec(any::<u8>(), 0..40)), 0..6)
}

fn header() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        addresses().prop_map(|(source, destination)| v1(source, destination)),
        (addresses(), fields()).prop_map(|((source, destination), fields)| v2(source, destination, &fields)),
        (addresses(), fields()).prop_map(|((source, destination), fields)| with_checksum(v2(
            source,
            destination,
            &fields
        ))),
        (any::<u8>(), any::<u8>(), vec(any::<u8>(), 0..80)).prop_map(|(command, family, block)| v2_raw(
            command & 0x31,
            family & 0x33,
            &block
        )),
        "PROXY (TCP4|TCP6|UNKNOWN)?[ 0-9.:a-f]{0,60}(\r\n)?".prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn any_bytes_have_a_stable_answer(bytes in vec(any::<u8>(), 0..200), after in 0_usize..4) {
        let start: [&[u8]; 4] = [b"", b"PROXY ", &SIGNATURE, &[&SIGNATURE[..], &[0x21, 0x11, 0]].concat()];
        stable(&[start[after], &bytes].concat());
    }

    #[test]
    fn damaged_headers_have_a_stable_answer(
        mut bytes in header(),
        damage in vec((any::<Index>(), any::<u8>()), 0..3),
        cut in any::<Index>(),
        rest in vec(any::<u8>(), 0..20),
    ) {
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        stable(&[&bytes[..], &rest].concat());
        stable(&[&bytes[..cut.index(bytes.len())], &rest].concat());
    }

    #[test]
    fn lines_say_what_was_written((source, destination) in addresses(), rest in vec(any::<u8>(), 0..40)) {
        let bytes = v1(source, destination);
        let Ok(Parsed::Complete { header, length }) = parse(&[&bytes[..], &rest].concat()) else {
            panic!("{}", bytes.escape_ascii())
        };
        prop_assert_eq!(length, bytes.len());
        prop_assert_eq!(header.version(), Version::V1);
        prop_assert_eq!(header.endpoints(), Endpoints::Ip { source, destination });
    }

    #[test]
    fn binary_headers_say_what_was_written(
        (source, destination) in addresses(),
        fields in fields(),
        checked: bool,
        rest in vec(any::<u8>(), 0..40),
    ) {
        let mut bytes = v2(source, destination, &fields);
        if checked {
            bytes = with_checksum(bytes);
        }
        let Ok(Parsed::Complete { header, length }) = parse(&[&bytes[..], &rest].concat()) else {
            panic!("{}", bytes.escape_ascii())
        };
        prop_assert_eq!(length, bytes.len());
        prop_assert_eq!(header.endpoints(), Endpoints::Ip { source, destination });
        prop_assert_eq!(header.tlvs().is_checked(), checked);
        let read = header.tlvs().iter().filter(|(kind, _)| *kind != 3);
        prop_assert!(read.eq(fields.iter().map(|(kind, value)| (*kind, &value[..]))));
    }

    #[test]
    fn a_checksum_tells_of_any_changed_bit(
        (source, destination) in addresses(),
        fields in fields(),
        at in any::<Index>(),
        bit in 0..8_u8,
    ) {
        let mut bytes = with_checksum(v2(source, destination, &fields));
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(Parsed::Complete { header, .. }) = parse(&bytes) {
            prop_assert!(!header.tlvs().is_checked(), "{} {}", at, bit);
        }
    }
}
