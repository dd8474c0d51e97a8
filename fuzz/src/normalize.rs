//! Request targets, read in every way.

use ingress_core::path::{PathReading, Refusal};

use crate::dialect::READINGS;
use crate::text;

/// One request target a line.
pub fn normalize(data: &[u8]) {
    let text = text(data);
    for target in text.split('\n') {
        for (name, reading) in READINGS {
            read(name, reading, target);
        }
    }
}

fn read(name: &str, reading: &PathReading, target: &str) {
    let normal = match reading.normalize(target) {
        Ok(normal) => normal,
        Err(refusal) => {
            assert!(!refusal.code().is_empty());
            let raw = refusal != Refusal::Relative && name == "raw";
            assert!(!raw, "{refusal} for {target:?}, read raw");
            return;
        }
    };
    let path = normal.path();
    assert!(path.starts_with(b"/") || path == b"*", "{name}: {target:?} became {path:?}");
    assert!(path.len() <= target.len().max(1), "{name}: {target:?} grew to {path:?}");
    if let Some(query) = normal.query() {
        assert!(target.contains(&format!("?{query}")), "{name}: {target:?} has no query {query:?}");
    }
    if name != "raw" {
        let climbs = |segment: &[u8]| segment == b"." || segment == b"..";
        assert!(!path.split(|&byte| byte == b'/').any(climbs), "{name}: {target:?} became {path:?}");
    }
    if ["decode-all", "not-reserved", "dots-first"].contains(&name) {
        assert!(!path.windows(2).any(|pair| pair == b"//"), "{name}: {target:?} became {path:?}");
    }
    // What has been read is not read differently by whoever comes next, as far as it can stand in a
    // target without an escape. Decoding everything is the exception: then `%` is one of these, too.
    if name != "decode-all"
        && let Ok(text) = std::str::from_utf8(path)
        && !text.contains(|c: char| c.is_ascii_control() || "?#".contains(c))
    {
        let again = reading.normalize(text).map(|again| again.path().to_vec());
        assert_eq!(again.as_deref(), Ok(path), "{name}: {target:?}");
    }
}
