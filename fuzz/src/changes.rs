//! Objects that come, change and go: a compiler that followed against one that starts afresh.

use std::sync::Arc;

use ingress_core::dialect::{Dialect, Kubernetes};
use ingress_core::{Compiler, Diagnostic, IngressId, RouteTable};

use crate::agree::ask;
use crate::dialect::Lines;
use crate::lines::{Line, read};
use crate::objects::{Objects, ingress};
use crate::text;

/// Questions that one input may ask: before each there is a compilation from scratch.
const QUESTIONS: usize = 24;

/// Lines that are followed one by one; each question is asked of the table at that moment.
pub fn changes(data: &[u8]) {
    let (mut lines, _) = read(&text(data));
    lines.truncate(200);
    let reading: Vec<_> = lines
        .iter()
        .filter_map(|line| match line {
            Line::Read(words) => Some(Lines::new(words)),
            _ => None,
        })
        .collect();
    match reading.into_iter().next() {
        Some(dialect) => follow(&dialect, &lines),
        None => follow(&Kubernetes, &lines),
    }
}

fn follow<D: Dialect + Clone>(dialect: &D, lines: &[Line]) {
    let mut compiler = Compiler::new(dialect.clone());
    let mut objects = Objects::new();
    let mut before = compiler.compile();
    let mut changed = false;
    let mut questions = 0;
    for line in lines {
        match line {
            Line::Add(name, rule) => {
                let object = objects.entry(name.clone()).or_default();
                object.push(rule.clone());
                changed |= compiler.upsert(ingress(name, object)).any();
                assert!(!compiler.upsert(ingress(name, object)).any(), "the same object changes something");
            }
            Line::Remove(name) => {
                objects.remove(name);
                changed |= compiler.remove(&IngressId::new(&name.namespace, &name.name)).any();
            }
            Line::Ask(request) if questions < QUESTIONS => {
                questions += 1;
                let after = compiler.compile();
                compare(dialect, &compiler, &objects, &after);
                shared(&before, &after);
                assert!(changed || Arc::ptr_eq(&before, &after), "a new table after no change");
                ask(&after, request);
                (before, changed) = (after, false);
            }
            Line::Ask(_) | Line::Read(_) => {}
        }
    }
    let after = compiler.compile();
    compare(dialect, &compiler, &objects, &after);
    shared(&before, &after);
}

fn compare<D: Dialect + Clone>(dialect: &D, follower: &Compiler, objects: &Objects, table: &RouteTable) {
    let mut scratch = Compiler::new(dialect.clone());
    for (name, lines) in objects.iter().rev() {
        scratch.upsert(ingress(name, lines));
    }
    let fresh = scratch.compile();
    assert_eq!(table.to_string(), fresh.to_string());
    assert!(table.hosts().eq(fresh.hosts()), "{table}");
    assert_eq!(diagnostics(follower), diagnostics(&scratch), "{table}");
}

fn diagnostics(compiler: &Compiler) -> Vec<&Diagnostic> {
    let mut diagnostics: Vec<_> = compiler.diagnostics().collect();
    diagnostics.sort();
    diagnostics
}

/// Hosts that are what they were are also where they were.
fn shared(before: &Arc<RouteTable>, after: &Arc<RouteTable>) {
    let mut kept = 0;
    for host in after.hosts() {
        if let Some(old) = before.host(host.pattern()).filter(|old| *old == host) {
            assert!(old.ptr_eq(host), "{} was built again", host.pattern());
            kept += 1;
        }
    }
    let same = kept == before.host_count() && kept == after.host_count();
    assert_eq!(Arc::ptr_eq(before, after), same, "{kept} hosts of\n{before}\nin\n{after}");
}
