//! Rules and requests: the table against its reference.

use ingress_core::dialect::{Dialect, Kubernetes};
use ingress_core::{Compiler, RouteTable};

use crate::agree::{agree_on_certificate, ask};
use crate::dialect::Lines;
use crate::lines::{Line, read};
use crate::objects::{Objects, ingress};
use crate::text;

/// Lines in which all rules come first, and are then asked for.
pub fn lookup(data: &[u8]) {
    let (lines, _) = read(&text(data));
    let reading = lines.iter().find_map(|line| match line {
        Line::Read(words) => Some(words),
        _ => None,
    });
    let dialect: Box<dyn Dialect> = match reading {
        Some(words) => Box::new(Lines::new(words)),
        None => Box::new(Kubernetes),
    };
    let table = compile(dialect, &lines);
    for line in &lines {
        if let Line::Ask(request) = line {
            ask(&table, request);
            if reading.is_none() {
                agree_on_certificate(&table, request.host.as_deref().unwrap_or_default());
            }
        }
    }
}

fn compile(dialect: Box<dyn Dialect>, lines: &[Line]) -> std::sync::Arc<RouteTable> {
    let mut objects = Objects::new();
    for line in lines {
        match line {
            Line::Add(name, rule) => objects.entry(name.clone()).or_default().push(rule.clone()),
            Line::Remove(name) => drop(objects.remove(name)),
            Line::Ask(_) | Line::Read(_) => {}
        }
    }
    let mut compiler = Compiler::new(dialect);
    for (name, lines) in &objects {
        compiler.upsert(ingress(name, lines));
    }
    compiler.compile()
}
