//! Headers that are good, headers that are not, one by one.

use ingress_tower::proxy_protocol::{Endpoints, Header, HeaderError, Parsed, Version, parse};

use crate::encode::{SIGNATURE, field, ssl, v2, v2_raw, with_checksum};

/// Reads a header that is whole, with something after it.
fn whole(bytes: &[u8]) -> Header {
    let followed = [bytes, b"\r\nPROXY TCP4"].concat();
    match parse(&followed) {
        Ok(Parsed::Complete { header, length }) => {
            assert_eq!(length, bytes.len());
            header
        }
        other => panic!("{}: {other:?}", bytes.escape_ascii()),
    }
}

#[test]
fn lines_that_are_headers() {
    for (line, endpoints) in [
        ("PROXY TCP4 192.0.2.7 198.51.100.1 65535 0", Some(("192.0.2.7:65535", "198.51.100.1:0"))),
        (
            "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535",
            Some(("255.255.255.255:65535", "255.255.255.255:65535")),
        ),
        ("PROXY TCP6 2001:db8::1 ::1 1 2", Some(("[2001:db8::1]:1", "[::1]:2"))),
        (
            "PROXY TCP6 2001:DB8:0:0:0:0:0:1 ::ffff:192.0.2.7 1 2",
            Some(("[2001:db8::1]:1", "[::ffff:192.0.2.7]:2")),
        ),
        (
            "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535",
            Some((
                "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
                "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
            )),
        ),
        ("PROXY UNKNOWN", None),
        ("PROXY UNKNOWN ffff::1 anything\n\r at all", None),
        // The longest line that there is: 107 bytes with its end.
        (
            "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535",
            None,
        ),
    ] {
        let header = whole(format!("{line}\r\n").as_bytes());
        let expected = endpoints.map_or(Endpoints::Unknown, |(source, destination)| Endpoints::Ip {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
        });
        assert_eq!((header.version(), header.endpoints()), (Version::V1, expected), "{line}");
        assert_eq!(header.tlvs().iter().count(), 0);
    }
}

#[test]
fn lines_that_are_none() {
    use HeaderError::{Absent, Address, EndlessLine, Protocol};
    let endless = "PROXY UNKNOWN ".to_owned() + &"x".repeat(93);
    let just_too_long = "PROXY UNKNOWN ".to_owned() + &"x".repeat(92) + "\r\n";
    for (line, error) in [
        ("GET / HTTP/1.1\r\n", Absent),
        ("proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n", Absent),
        ("PROXY\r\n", Absent),
        ("PROXY\tTCP4 1.2.3.4 1.2.3.4 1 2\r\n", Absent),
        (" PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n", Absent),
        ("PROXY \r\n", Protocol),
        ("PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n", Protocol),
        ("PROXY tcp4 1.2.3.4 1.2.3.4 1 2\r\n", Protocol),
        ("PROXY UNKNOWNS\r\n", Protocol),
        ("PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n", Protocol),
        ("PROXY TCP4\r\n", Address),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", Address),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", Address),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n", Address),
        ("PROXY TCP4 1.2.3.4  1.2.3.4 1 2\r\n", Address),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", Address),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 +1 2\r\n", Address),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", Address),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n", Address),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n", Address),
        ("PROXY TCP4 1.2.3.256 1.2.3.4 1 2\r\n", Address),
        ("PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n", Address),
        ("PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", Address),
        ("PROXY TCP4 ::1 ::1 1 2\r\n", Address),
        ("PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", Address),
        ("PROXY TCP6 ::1%eth0 ::1 1 2\r\n", Address),
        ("PROXY TCP6 [::1] ::1 1 2\r\n", Address),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n\r\n", Address),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\0\r\n", Address),
        (&endless, EndlessLine),
        (&just_too_long, EndlessLine),
    ] {
        assert_eq!(parse(line.as_bytes()), Err(error), "{line:?}");
    }
    assert_eq!(parse(b"PROXY TCP4 \xff\xff 1.2.3.4 1 2\r\n"), Err(Address));
}

#[test]
fn binary_headers_that_are_good() {
    let (v4, v6) = (["192.0.2.7:5555", "10.0.0.1:443"], ["[2001:db8::7]:5555", "[fd00::1]:443"]);
    for [source, destination] in [v4, v6] {
        let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
        let mut bytes = v2(source, destination, &[]);
        for transport in [0, 1, 2] {
            bytes[13] = (bytes[13] & 0xf0) | transport;
            let header = whole(&bytes);
            assert_eq!(header.version(), Version::V2);
            assert_eq!(header.endpoints(), Endpoints::Ip { source, destination });
            assert_eq!((header.source(), header.destination()), (Some(source), Some(destination)));
        }
    }
    let endpoints = |bytes: &[u8]| whole(bytes).endpoints();
    assert_eq!(endpoints(&v2_raw(0x21, 0x31, &[0; 216])), Endpoints::Unix);
    assert_eq!(endpoints(&v2_raw(0x21, 0x00, &[])), Endpoints::Unknown);
    assert_eq!(endpoints(&v2_raw(0x21, 0x01, &[9; 12])), Endpoints::Unknown);
    // Whatever a sender that speaks for itself says of families and addresses is to be passed over.
    for (family, block) in [(0x00, &[][..]), (0x11, &[1; 12]), (0x11, &[1; 3]), (0xff, &[1; 300])] {
        let header = whole(&v2_raw(0x20, family, block));
        assert_eq!((header.endpoints(), header.source()), (Endpoints::Local, None));
        assert_eq!(header.tlvs().iter().count(), 0);
    }
    // The longest.
    let longest = v2("1.2.3.4:1".parse().unwrap(), "1.2.3.4:2".parse().unwrap(), &[(0xe0, vec![7; 65520])]);
    assert_eq!(longest.len(), 65551);
    assert_eq!(whole(&longest).tlvs().get(0xe0), Some(&[7; 65520][..]));
}

#[test]
fn binary_headers_that_are_not() {
    use HeaderError::{Absent, Checksum, Command, Family, Length, Tlv, Version};
    let addresses = [1; 12];
    let followed = |fields: &[u8]| v2_raw(0x21, 0x11, &[&addresses[..], fields].concat());
    let good = with_checksum(followed(b""));
    let mut wrong_sum = good.clone();
    *wrong_sum.last_mut().unwrap() ^= 1;
    let mut wrong_address = good.clone();
    wrong_address[16] ^= 0x80;
    let mut wrong_signature = good.clone();
    wrong_signature[11] ^= 1;
    let twice = with_checksum(good);
    for (bytes, error) in [
        (wrong_signature, Absent),
        (v2_raw(0x11, 0x11, &addresses), Version),
        (v2_raw(0x31, 0x11, &addresses), Version),
        (v2_raw(0x22, 0x11, &addresses), Command),
        (v2_raw(0x2f, 0x11, &addresses), Command),
        (v2_raw(0x21, 0x41, &addresses), Family),
        (v2_raw(0x21, 0x13, &addresses), Family),
        (v2_raw(0x21, 0x11, &[]), Length),
        (v2_raw(0x21, 0x11, &[1; 11]), Length),
        (v2_raw(0x21, 0x21, &[1; 35]), Length),
        (v2_raw(0x21, 0x31, &[1; 215]), Length),
        (followed(&[1]), Tlv),
        (followed(&[1, 0]), Tlv),
        (followed(&[1, 0, 1]), Tlv),
        (followed(&[1, 0, 1, b'x', 4]), Tlv),
        (followed(&[1, 0xff, 0xff, b'x']), Tlv),
        (followed(&field(3, &[0; 3])), Tlv),
        (followed(&field(3, &[0; 5])), Tlv),
        (followed(&field(5, &[0; 129])), Tlv),
        (followed(&field(0x20, &[0; 4])), Tlv),
        (followed(&field(0x20, &[0, 0, 0, 0, 0, 0x21])), Tlv),
        (followed(&field(0x20, &[0, 0, 0, 0, 0, 0x21, 0, 2, b'x'])), Tlv),
        (twice, Tlv),
        (wrong_sum, Checksum),
        (wrong_address, Checksum),
    ] {
        assert_eq!(parse(&bytes), Err(error), "{}", bytes.escape_ascii());
    }
}

#[test]
fn what_is_wrong_already_is_not_waited_for() {
    for (bytes, error) in [
        (&b"G"[..], HeaderError::Absent),
        (b"PRI * HTTP/2.0", HeaderError::Absent),
        (b"\x16\x03\x01", HeaderError::Absent),
        (b"\r\n\r\nG", HeaderError::Absent),
    ] {
        assert_eq!(parse(bytes), Err(error));
    }
    assert_eq!(parse(&[&SIGNATURE[..], &[0x11]].concat()), Err(HeaderError::Version));
    assert_eq!(parse(&[&SIGNATURE[..], &[0x25]].concat()), Err(HeaderError::Command));
    assert_eq!(parse(&[&SIGNATURE[..], &[0x21, 0x55]].concat()), Err(HeaderError::Family));
    let needed = |bytes: &[u8]| match parse(bytes) {
        Ok(Parsed::Incomplete { needed }) => needed,
        other => panic!("{other:?}"),
    };
    assert_eq!(needed(b""), 15);
    assert_eq!(needed(b"PROXY TCP4 1.2.3.4"), 19);
    assert_eq!(needed(&SIGNATURE), 16);
    assert_eq!(needed(&[&SIGNATURE[..], &[0x21, 0x11, 1, 2]].concat()), 16 + 0x102);
}

#[test]
fn fields() {
    let secure = ssl(7, 0, &[(0x21, b"TLSv1.3"), (0x22, b"client"), (0x23, b"TLS_AES_128_GCM_SHA256")]);
    let fields = [
        (0x04, vec![0; 5]),
        (0x01, b"h2".to_vec()),
        (0x02, b"shop.example".to_vec()),
        (0x05, b"id-1".to_vec()),
        (0x20, secure),
        (0xea, b"\x01vpce-1".to_vec()),
        (0x02, b"second.example".to_vec()),
    ];
    let bytes = with_checksum(v2("1.2.3.4:1".parse().unwrap(), "1.2.3.4:2".parse().unwrap(), &fields));
    let header = whole(&bytes);
    let tlvs = header.tlvs();
    assert_eq!(tlvs.alpn(), Some(&b"h2"[..]));
    assert_eq!(tlvs.authority(), Some("shop.example"));
    assert_eq!(tlvs.unique_id(), Some(&b"id-1"[..]));
    assert_eq!(tlvs.get(0xea), Some(&b"\x01vpce-1"[..]));
    assert_eq!(tlvs.get(0xeb), None);
    assert!(tlvs.is_checked());
    assert!(tlvs.iter().map(|(kind, _)| kind).eq([4, 1, 2, 5, 0x20, 0xea, 2, 3]));
    let secure = tlvs.ssl().unwrap();
    assert!(secure.is_tls() && secure.is_verified());
    assert!(secure.has_certificate_on_connection() && secure.has_certificate_in_session());
    assert_eq!(secure.version(), Some("TLSv1.3"));
    assert_eq!(secure.common_name(), Some("client"));
    assert_eq!(secure.cipher(), Some("TLS_AES_128_GCM_SHA256"));
    assert_eq!(secure.iter().count(), 3);
}

#[test]
fn a_client_without_a_verified_certificate_is_not_taken_for_one() {
    for (client, verify, verified) in
        [(1, 0, false), (3, 0, true), (5, 0, true), (3, 10, false), (0, 0, false)]
    {
        let fields = [(0x20, ssl(client, verify, &[]))];
        let header = whole(&v2("1.2.3.4:1".parse().unwrap(), "1.2.3.4:2".parse().unwrap(), &fields));
        assert_eq!(header.tlvs().ssl().unwrap().is_verified(), verified, "{client} {verify}");
    }
    let text = [(0x02, vec![0xff]), (0x20, ssl(1, 1, &[(0x22, &[0xff])]))];
    let header = whole(&v2("1.2.3.4:1".parse().unwrap(), "1.2.3.4:2".parse().unwrap(), &text));
    assert_eq!((header.tlvs().authority(), header.tlvs().get(2)), (None, Some(&[0xff][..])));
    assert_eq!(header.tlvs().ssl().unwrap().common_name(), None);
}
