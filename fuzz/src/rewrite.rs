//! Rewritten targets.

use ingress_core::path::PathKind;
use ingress_core::{Compiler, RequestHead};

use crate::agree::ask;
use crate::dialect::Lines;
use crate::lines::{Line, RuleLine, read};
use crate::objects::ingress;
use crate::text;

/// Lines with one rule at a time; each question is asked of the rule before it.
pub fn rewrite(data: &[u8]) {
    let (lines, _) = read(&text(data));
    let mut words = Vec::new();
    let mut rule = None;
    for line in lines.into_iter().take(60) {
        match line {
            Line::Add(name, line) => rule = Some((name, line)),
            Line::Ask(request) => {
                let Some((name, rule)) = &rule else { continue };
                let mut compiler = Compiler::new(Lines::new(&words));
                compiler.upsert(ingress(name, std::slice::from_ref(rule)));
                let table = compiler.compile();
                ask(&table, &request);
                let head = RequestHead::new(request.host.as_deref().unwrap_or_default(), &request.target);
                let Some(hit) = table.lookup(&head).matched() else { continue };
                let plain = matches!(
                    hit.rule().path().kind(),
                    PathKind::Exact | PathKind::Prefix | PathKind::Literal
                );
                if let Some(text) = replacement(rule).filter(|_| plain && is_plain(&request.target)) {
                    let sent = hit.upstream(&head).map(|target| target.to_string());
                    assert_eq!(sent.as_ref(), Ok(&by_hand(rule, text, &request.target)), "{rule}");
                }
            }
            Line::Read(read) => words = read,
            Line::Remove(_) => rule = None,
        }
    }
}

/// The text that takes the place of what was matched, if that is all the rule says.
fn replacement(rule: &RuleLine) -> Option<&str> {
    let [word] = &rule.words[..] else { return None };
    let value = word.value.as_deref().filter(|value| is_plain(value));
    if word.key == "replace" { value } else { None }
}

/// Whether nothing has to be normalised or escaped.
fn is_plain(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_~".contains(&byte);
    path.starts_with('/') && path.bytes().all(plain) && !path.contains("//")
}

/// The same for paths in which nothing is special: the matched text off, the other in its place.
fn by_hand(rule: &RuleLine, text: &str, target: &str) -> String {
    let matched = if rule.kind.starts_with("Prefix") {
        rule.path.strip_suffix('/').unwrap_or(&rule.path)
    } else {
        &rule.path
    };
    let rest = target.get(matched.len()..).unwrap_or_default();
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    let joined = format!("{}/{rest}", text.strip_suffix('/').unwrap_or(text));
    if rest.is_empty() && !text.ends_with('/') { text.to_owned() } else { joined }
}
