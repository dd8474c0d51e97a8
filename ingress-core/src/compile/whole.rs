//! Tables of dialects that read all objects at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Compiler, Host, host};
use crate::dialect::{AssembledHost, Assembly, CertificateChoice};
use crate::host::HostPattern;
use crate::ingress::Selection;
use crate::table::{HostCertificate, HostParts, HostTable, Prepared, RouteTable};

impl Compiler {
    /// Makes the table anew; what came out as before is taken from the table before.
    pub(super) fn assemble(&mut self) {
        let Some(whole) = self.dialect.whole() else { return };
        let mut objects: Vec<_> = self
            .objects
            .values()
            .filter(|object| object.selection == Selection::Taken && !object.ingress.id().name().is_empty())
            .map(|object| &object.ingress)
            .collect();
        objects.sort_by(|a, b| self.dialect.compare(a, b));
        let mut out = Assembly::new(&self.surroundings, self.config.backend());
        whole.assemble(&objects, &mut out);
        let assembled = out.finish();
        let mut diagnostics = assembled.diagnostics;

        let semantics = Arc::new(self.dialect.semantics());
        let mut gone: BTreeSet<HostPattern> = self.table.hosts().map(|host| host.pattern().clone()).collect();
        let mut seen = BTreeSet::new();
        let mut blocks = Vec::new();
        let mut changed = Vec::new();
        for AssembledHost { pattern, rules, certificate } in assembled.hosts {
            if !seen.insert(pattern.clone()) {
                continue;
            }
            gone.remove(&pattern);
            let parts = HostParts {
                first_default: u32::try_from(rules.len()).unwrap_or(u32::MAX),
                pattern: pattern.clone(),
                rules,
                certificate: match certificate {
                    CertificateChoice::Default => HostCertificate::Default,
                    CertificateChoice::Inherited => HostCertificate::Inherited,
                    CertificateChoice::Secret(secret) => HostCertificate::Own(secret),
                },
                claimed: true,
                semantics: semantics.clone(),
            };
            if self.table.host(&pattern).is_some_and(|old| parts.are_those_of(old)) {
                continue;
            }
            let (prepared, report) = Prepared::new(parts, &mut blocks);
            let diagnostics = host::findings(&pattern, prepared.rules(), report);
            self.hosts.insert(pattern.clone(), Host { diagnostics, ..Host::default() });
            changed.push((pattern, prepared));
        }
        diagnostics.sort();
        diagnostics.dedup();
        self.whole_diagnostics = diagnostics;

        gone.iter().for_each(|pattern| drop(self.hosts.remove(pattern)));
        let mut changes: BTreeMap<HostPattern, Option<HostTable>> =
            gone.into_iter().map(|pattern| (pattern, None)).collect();
        for (pattern, prepared) in changed {
            let same = self.table.host(&pattern).is_some_and(|old| prepared.is_same_as(old, &blocks));
            if !same {
                changes.insert(pattern, Some(prepared.finish(&blocks)));
            }
        }
        let certificate = assembled.default_certificate.or_else(|| self.config.certificate().cloned());
        let moved = self.table.default_certificate() != certificate.as_ref();
        if !changes.is_empty() || moved || self.table.generation() == 0 {
            self.table = Arc::new(RouteTable::new(
                self.table.updated(changes),
                self.dialect.semantics(),
                self.dialect.name(),
                certificate,
                self.table.generation() + 1,
            ));
        }
    }
}
