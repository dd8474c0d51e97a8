//! Hosts that no index by name finds: odd names, several labels before or behind a name, and expressions.
//!
//! Few tables have any, and those few. They are tried one by one, and only for hosts that have no rules of
//! their own.

use std::collections::BTreeMap;

use super::HostTable;
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

    pub(crate) fn is_empty(&self) -> bool {
        self.before.is_empty() && self.behind.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.before.len() + self.behind.len()
    }

    /// Those that mean a name and go before wildcards.
    pub(crate) fn before<'t, 'n>(
        &'t self,
        name: Option<&'n HostName<'n>>,
    ) -> impl Iterator<Item = &'t HostTable> + use<'t, 'n> {
        meant(&self.before, name)
    }

    /// Those that mean a name and go behind wildcards.
    pub(crate) fn behind<'t, 'n>(
        &'t self,
        name: Option<&'n HostName<'n>>,
    ) -> impl Iterator<Item = &'t HostTable> + use<'t, 'n> {
        meant(&self.behind, name)
    }
}

fn meant<'t, 'n>(
    hosts: &'t [HostTable],
    name: Option<&'n HostName<'n>>,
) -> impl Iterator<Item = &'t HostTable> + use<'t, 'n> {
    let hosts = if name.is_some() { hosts } else { &[] };
    hosts.iter().filter(move |host| name.is_some_and(|name| host.pattern().matches(name)))
}
