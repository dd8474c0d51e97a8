//! The table as text: the same for the same objects, whatever order they came in.

use std::fmt;

use super::{HostTable, RouteTable};

impl fmt::Display for RouteTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for host in self.hosts() {
            host.fmt(f)?;
        }
        match self.default_certificate() {
            Some(secret) => writeln!(f, "default certificate {secret}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for HostTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.pattern())?;
        if let Some(secret) = self.certificate() {
            write!(f, "  (certificate {secret})")?;
        }
        writeln!(f)?;
        for (index, rule) in self.rules().iter().enumerate() {
            let label = if index >= self.routed() { "default: " } else { "" };
            writeln!(f, "  #{index} {label}{rule}  [{}]", rule.origin())?;
        }
        Ok(())
    }
}
