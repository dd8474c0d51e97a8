//! What the controller's webhook would have refused, and what nginx refuses later, as findings.

use super::findings;
use super::locations::Layout;
use super::model::{Model, Server, path_of, server_name};
use super::pcre;
use super::settings::Globals;
use super::variables::{Unknown, template};
use super::vocabulary::PREFIX;
use crate::diagnostic::DiagnosticKind;
use crate::dialect::Assembly;
use crate::ingress::{Ingress, PathType};
use crate::origin::{FieldPath, Leaf};
use crate::printable::Excerpt;

/// The rules of the webhook that concern objects and pairs of objects.
pub(super) fn check(model: &Model<'_>, globals: &Globals, out: &mut Assembly<'_>) {
    for object in &model.objects {
        let ingress = object.notes.ingress();
        annotations(ingress, globals, out);
        for rule in ingress.rules() {
            for path in rule.paths().unwrap_or_default() {
                let field = FieldPath::path(rule.index(), path.index()).leaf(Leaf::Path);
                let text = path.path().map_or("", |path| path);
                if globals.strict_paths
                    && path.path_type() != Some(PathType::ImplementationSpecific)
                    && !is_strict(text)
                {
                    let message = format!("path {} cannot be used with this path type", Excerpt(text));
                    out.diagnose(
                        DiagnosticKind::Dialect(&findings::NOT_ADMITTED),
                        ingress.id(),
                        field,
                        message,
                    );
                }
            }
        }
    }
    secrets(model, out);
    overlaps(model, out);
    shared_hosts(model, out);
}

/// The webhook looks at annotations more closely than whoever loads the objects.
fn annotations(ingress: &Ingress, globals: &Globals, out: &mut Assembly<'_>) {
    let kind = DiagnosticKind::Dialect(&findings::NOT_ADMITTED);
    for (key, value) in ingress.annotations() {
        if !globals.snippets && key.ends_with("-snippet") {
            let message =
                "text for the configuration of nginx is switched off, under whatever prefix".to_owned();
            out.diagnose(kind, ingress.id(), FieldPath::annotation(key), message);
        }
        let mut words = globals.blocked_words.iter().map(|word| word.trim());
        if key.starts_with(PREFIX) && words.any(|word| !word.is_empty() && value.contains(word)) {
            let message = "it holds a word that is blocked".to_owned();
            out.diagnose(kind, ingress.id(), FieldPath::annotation(key), message);
        }
    }
    if let Some(uid) = ingress.uid().filter(|uid| !is_uid(uid)) {
        let message = format!("{} is no UID", Excerpt(uid));
        out.diagnose(kind, ingress.id(), FieldPath::object(), message);
    }
}

/// The API takes no other names than DNS names; the controller once made file names of them.
fn secrets(model: &Model<'_>, out: &mut Assembly<'_>) {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    for ingress in model.objects.iter().map(|object| object.notes.ingress()) {
        for entry in ingress.tls() {
            let Some(secret) = entry.secret().filter(|secret| !secret.name().bytes().all(legal)) else {
                continue;
            };
            let field = FieldPath::tls(entry.index()).leaf(Leaf::SecretName);
            let message = format!("{} is no name of a Secret", Excerpt(secret.name()));
            out.diagnose(DiagnosticKind::Dialect(&findings::NOT_ADMITTED), ingress.id(), field, message);
        }
    }
}

fn is_uid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    let legal = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte) || byte == b'-';
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(legal)
}

fn is_strict(path: &str) -> bool {
    path.is_empty()
        || path.starts_with('/')
            && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._/-".contains(&byte))
}

/// A younger object with a path that an older one has, of whatever type.
fn overlaps(model: &Model<'_>, out: &mut Assembly<'_>) {
    let mut seen: std::collections::BTreeMap<(&str, String), usize> = std::collections::BTreeMap::new();
    for (owner, object) in model.objects.iter().enumerate() {
        let ingress = object.notes.ingress();
        let is_canary = |object: &super::model::Object<'_>| {
            object.notes.get("canary").is_some() || object.notes.is_empty("canary")
        };
        let mut own = Vec::new();
        for rule in ingress.rules() {
            for path in rule.paths().unwrap_or_default() {
                let (text, exact) = path_of(path);
                let key = (server_name(rule.host()), text.to_owned());
                if let Some(&other) = seen.get(&key)
                    && let Some(other) = model.objects.get(other)
                    && !is_canary(object)
                    && !is_canary(other)
                {
                    let field = FieldPath::path(rule.index(), path.index());
                    let message = format!(
                        "path {} of host {} is defined in {} already",
                        Excerpt(text),
                        key.0,
                        other.notes.ingress().id()
                    );
                    out.diagnose(
                        DiagnosticKind::Dialect(&findings::NOT_ADMITTED),
                        ingress.id(),
                        field,
                        message,
                    );
                }
                own.push(key);
                // A prefix is written with a slash behind it, too.
                if !exact && text != "/" && !text.ends_with('/') {
                    own.push((server_name(rule.host()), format!("{text}/")));
                }
            }
        }
        for key in own {
            seen.entry(key).or_insert(owner);
        }
    }
}

fn shared_hosts(model: &Model<'_>, out: &mut Assembly<'_>) {
    let mut owners = std::collections::BTreeMap::new();
    for object in &model.objects {
        let ingress = object.notes.ingress();
        for rule in ingress.rules().iter().filter(|rule| !rule.host().is_any()) {
            let first = *owners.entry(server_name(rule.host())).or_insert_with(|| ingress.id());
            if first.namespace() != ingress.id().namespace() {
                let field = FieldPath::rule(rule.index()).leaf(Leaf::Host);
                let message = format!("host {} is that of {first}, in another namespace", rule.host());
                out.diagnose(DiagnosticKind::Dialect(&findings::SHARED_HOST), ingress.id(), field, message);
            }
        }
    }
}

/// What nginx refuses of a server, and what cannot be said of it here.
pub(super) fn check_layout(server: &Server, layout: &Layout<'_>, model: &Model<'_>, out: &mut Assembly<'_>) {
    let mut found = |finding, location: &super::model::Location, message: String| {
        let origin = &location.origin;
        out.diagnose(DiagnosticKind::Dialect(finding), origin.ingress(), origin.field().clone(), message);
    };
    for (culprit, kept) in &layout.duplicates {
        let what = format!("nginx takes path {} for a duplicate of {}", Excerpt(&culprit.path), kept.origin);
        found(&findings::REFUSED, culprit, what);
    }
    for written in &layout.written {
        let path = &written.path;
        if layout.regex {
            match pcre::translate(&format!("^{path}")) {
                Err(why) => found(
                    &findings::REFUSED,
                    written.location,
                    format!("path {} is no expression: {why}", Excerpt(path)),
                ),
                Ok(translated) => {
                    if let Some(why) = translated.beyond {
                        let what = format!(
                            "path {} cannot be evaluated: {why}; requests that it may mean are answered with 503",
                            Excerpt(path)
                        );
                        found(&findings::EXPRESSION, written.location, what);
                    }
                }
            }
        } else if !path.starts_with('/') || path.contains("//") || path.contains("/./") || path.contains('%')
        {
            found(
                &findings::UNREACHABLE,
                written.location,
                format!("no request has the path {}", Excerpt(path)),
            );
        }
        if let Some(target) =
            super::locations::rewrite_of(written.location, model).filter(|target| target != path)
        {
            match template(target, true) {
                Ok(_) => {}
                Err(Unknown::Refused(why)) => {
                    found(
                        &findings::REFUSED,
                        written.location,
                        format!("rewrite-target: nginx does not know {why}"),
                    );
                }
                Err(Unknown::Unsupported(name)) => {
                    found(
                        &findings::UNSUPPORTED,
                        written.location,
                        format!("rewrite-target: variable {name} has no value here"),
                    );
                }
            }
        }
    }
    if layout.regex {
        // Whoever did not ask for expressions should know.
        for location in &server.locations {
            let Some(object) = location.owner.and_then(|owner| model.objects.get(owner)) else { continue };
            let own = object.options.use_regex || object.options.rewrite.is_some();
            if !own && !location.implicit {
                let what =
                    "another object turns every path of the host into an expression without case and end";
                found(&findings::REGEX_HOST, location, what.to_owned());
            }
        }
    }
}
