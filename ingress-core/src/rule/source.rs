//! Ranges of addresses that clients come from.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use ipnet::IpNet;

/// Ranges of addresses.
///
/// ```
/// use ingress_core::rule::SourceRanges;
///
/// let inside = SourceRanges::parse(["10.0.0.0/8", "2001:db8::1"])?;
/// assert!(inside.contains([10, 1, 2, 3].into()));
/// assert_eq!(inside.to_string(), "10.0.0.0/8, 2001:db8::1/128");
/// # Ok::<(), ingress_core::rule::SourceRangeError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct SourceRanges(Arc<[IpNet]>);

/// A text that is neither an address nor a range of addresses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SourceRangeError(());

impl SourceRanges {
    /// Reads addresses, and ranges as addresses with the length of a prefix. Bits behind the prefix do not
    /// count.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, SourceRangeError> {
        texts.into_iter().map(range).collect::<Result<_, _>>().map(Self)
    }

    /// Whether an address lies in one of the ranges. One that is written as IPv6 and means IPv4 is taken
    /// for what it means.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|range| range.contains(&address))
    }

    /// Addresses at both sides of every border between inside and outside.
    pub(crate) fn borders(&self) -> Vec<IpAddr> {
        self.0.iter().flat_map(|range| borders(*range)).collect()
    }

    /// Whether there is no range at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn borders(range: IpNet) -> Vec<IpAddr> {
    let (first, last) = (range.network(), range.broadcast());
    let (before, behind): (Option<IpAddr>, Option<IpAddr>) = match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => (
            u32::from(first).checked_sub(1).map(|address| Ipv4Addr::from(address).into()),
            u32::from(last).checked_add(1).map(|address| Ipv4Addr::from(address).into()),
        ),
        (IpAddr::V6(first), IpAddr::V6(last)) => (
            u128::from(first).checked_sub(1).map(|address| Ipv6Addr::from(address).into()),
            u128::from(last).checked_add(1).map(|address| Ipv6Addr::from(address).into()),
        ),
        _ => (None, None),
    };
    [Some(first), Some(last), before, behind].into_iter().flatten().collect()
}

fn range(text: &str) -> Result<IpNet, SourceRangeError> {
    let range = match text.parse::<IpAddr>() {
        Ok(address) => Ok(IpNet::from(address)),
        Err(_) => text.parse::<IpNet>(),
    };
    range.map(|range| range.trunc()).map_err(|_| SourceRangeError(()))
}

impl fmt::Display for SourceRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, range) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{range}")?;
        }
        Ok(())
    }
}

impl fmt::Display for SourceRangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is neither an address nor a range of addresses")
    }
}

impl std::error::Error for SourceRangeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_ranges() {
        let ranges = SourceRanges::parse(["10.1.2.3/8", "192.0.2.1", "2001:db8::/32"]).unwrap();
        for (address, inside) in [
            ("10.255.0.1", true),
            ("::ffff:10.0.0.1", true),
            ("192.0.2.1", true),
            ("192.0.2.2", false),
            ("2001:db8:1::1", true),
            ("::1", false),
        ] {
            assert_eq!(ranges.contains(address.parse().unwrap()), inside, "{address}");
        }
        assert!(SourceRanges::default().is_empty() && !ranges.is_empty());
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "a", "10.0.0.1 ", "1.2.3.4/-1"] {
            assert!(SourceRanges::parse([bad]).is_err(), "{bad}");
        }
    }
}
