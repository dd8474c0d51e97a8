//! Hosts that no index by name finds: several labels before or behind a name, and expressions.
//!
//! Few tables have any, and those few. They are tried one by one, and only for hosts that have no rules of
//! their own.

use std::collections::BTreeMap;

use super::{HostReading, HostTable};
use crate::host::{HostName, HostPattern};

/// Such hosts, in the order of their patterns.
#[derive(Clone, Debug, Default)]
pub(crate) struct OddHosts {
    /// Asked before wildcards.
    before: Vec<HostTable>,
    /// Asked behind them.
    behind: Vec<HostTable>,
}

impl OddHosts {
    /// The same after some of them changed (`Some`) or went away (`None`).
    pub(crate) fn updated(&self, changes: BTreeMap<HostPattern, Option<HostTable>>) -> Self {
        let mut hosts: BTreeMap<HostPattern, HostTable> =
            self.iter().map(|host| (host.pattern().clone(), host.clone())).collect();
        for (pattern, change) in changes {
            match change {
                Some(host) => hosts.insert(pattern, host),
                None => hosts.remove(&pattern),
            };
        }
        let (behind, before) = hosts.into_values().partition(|host| host.pattern().is_regex());
        Self { before, behind }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &HostTable> {
        self.before.iter().chain(&self.behind)
    }

    pub(crate) fn get(&self, pattern: &HostPattern) -> Option<&HostTable> {
        self.iter().find(|host| host.pattern() == pattern)
    }

    pub(crate) fn len(&self) -> usize {
        self.before.len() + self.behind.len()
    }

    /// Those that mean a name and go before wildcards.
    pub(crate) fn before<'t>(
        &'t self,
        name: Option<&[u8]>,
        reading: HostReading,
    ) -> impl Iterator<Item = &'t HostTable> + use<'t> {
        meant(&self.before, name, reading)
    }

    /// Those that mean a name and go behind wildcards.
    pub(crate) fn behind<'t>(
        &'t self,
        name: Option<&[u8]>,
        reading: HostReading,
    ) -> impl Iterator<Item = &'t HostTable> + use<'t> {
        meant(&self.behind, name, reading)
    }
}

fn meant<'t>(
    hosts: &'t [HostTable],
    name: Option<&[u8]>,
    reading: HostReading,
) -> impl Iterator<Item = &'t HostTable> + use<'t> {
    let text = if hosts.is_empty() { None } else { name.and_then(|name| str::from_utf8(name).ok()) };
    // Owned only where there are such hosts at all.
    let name = text.and_then(|text| reading.name_in_form(text)).map(|name| name.as_str().to_owned());
    let hosts = if name.is_some() { hosts } else { &[] };
    hosts.iter().filter(move |host| {
        let name = name.as_deref().map(HostName::in_form);
        name.is_some_and(|name| host.pattern().matches(&name))
    })
}
