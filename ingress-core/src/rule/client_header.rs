//! Where proxies before us say who the client is, and which of them are believed.

use std::net::{IpAddr, SocketAddr};

use http::HeaderName;

use super::SourceRanges;
use crate::request::RequestHead;

/// A header in which each proxy adds the address that it was asked by.
///
/// ```
/// use http::{HeaderMap, HeaderName};
/// use ingress_core::RequestHead;
/// use ingress_core::request::Circumstances;
/// use ingress_core::rule::{ClientHeader, SourceRanges};
///
/// let header = ClientHeader::new(HeaderName::from_static("x-forwarded-for"));
/// let header = header.believed_from(SourceRanges::parse(["10.0.0.0/8"])?);
/// let mut headers = HeaderMap::new();
/// headers.insert("x-forwarded-for", "198.51.100.1, 192.0.2.7, 10.0.0.2".parse()?);
/// let circumstances = Circumstances::default().client([10, 0, 0, 1].into());
/// let request = RequestHead::new("a.example", "/").headers(&headers).circumstances(&circumstances);
/// assert_eq!(header.address(&request), Some([192, 0, 2, 7].into()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ClientHeader {
    name: HeaderName,
    believed: Option<SourceRanges>,
}

impl ClientHeader {
    /// Whoever sends the header is believed.
    pub fn new(name: HeaderName) -> Self {
        Self { name, believed: None }
    }

    /// Only proxies in these ranges are believed: the client is the last address that none of them has.
    #[must_use]
    pub fn believed_from(mut self, ranges: SourceRanges) -> Self {
        self.believed = Some(ranges);
        self
    }

    pub(crate) fn name(&self) -> &HeaderName {
        &self.name
    }

    /// Who is believed; `None` for everybody.
    pub(crate) fn believed(&self) -> Option<&SourceRanges> {
        self.believed.as_ref()
    }

    /// The address of the client: that of the connection, unless who made it is believed; then the last one
    /// that was added, and so on. What cannot be read ends it.
    pub fn address(&self, request: &RequestHead<'_>) -> Option<IpAddr> {
        let mut address = request.client_address();
        let lines: Vec<_> = request.header_values(&self.name).collect();
        let parts = lines.iter().flat_map(|line| line.split(|byte| matches!(byte, b' ' | b',')));
        for part in parts.rev().filter(|part| !part.is_empty()) {
            let is_believed = match &self.believed {
                None => true,
                Some(ranges) => address.is_some_and(|address| ranges.contains(address)),
            };
            match str::from_utf8(part).ok().and_then(read).filter(|_| is_believed) {
                Some(before) => address = Some(before),
                None => break,
            }
        }
        address
    }
}

/// An address, which may have a port.
fn read(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Circumstances;
    use http::HeaderMap;

    #[test]
    fn the_last_that_is_not_believed_is_the_client() {
        let everybody = ClientHeader::new(HeaderName::from_static("x-forwarded-for"));
        let inside = everybody.clone().believed_from(SourceRanges::parse(["10.0.0.0/8"]).unwrap());
        for (lines, by_all, by_some) in [
            (&[][..], "10.0.0.1", "10.0.0.1"),
            (&["192.0.2.1"], "192.0.2.1", "192.0.2.1"),
            (&["192.0.2.2,192.0.2.1:80"], "192.0.2.2", "192.0.2.1"),
            (&["192.0.2.2", "10.0.0.3,  10.0.0.2"], "192.0.2.2", "192.0.2.2"),
            (&["no address, 10.0.0.2"], "10.0.0.2", "10.0.0.2"),
            (&["192.0.2.1, no"], "10.0.0.1", "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            let circumstances = Circumstances::default().client([10, 0, 0, 1].into());
            let request = RequestHead::new("h", "/").headers(&headers).circumstances(&circumstances);
            let address = |header: &ClientHeader| header.address(&request).map(|address| address.to_string());
            assert_eq!(address(&everybody).as_deref(), Some(by_all), "{lines:?}");
            assert_eq!(address(&inside).as_deref(), Some(by_some), "{lines:?}");
        }
        let stranger = Circumstances::default().client([192, 0, 2, 9].into());
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "10.0.0.1".parse().unwrap());
        let request = RequestHead::new("h", "/").headers(&headers).circumstances(&stranger);
        assert_eq!(inside.address(&request), Some([192, 0, 2, 9].into()));
    }
}
