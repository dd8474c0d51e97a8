//! The annotations of an object that decide where its requests go, in typed form.

use super::findings;
use super::notes::Notes;
use super::settings::Globals;
use super::text;
use super::variables::{Unknown, template};
use crate::dialect::{Assembly, Known};
use crate::origin::ObjectId;
use crate::rule::{SourceRangeError, SourceRanges, Template};

/// What holds for every location of an object.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) canary: Option<Canary>,
    /// The locations answer 503.
    pub(super) denied: bool,
    pub(super) redirect: Option<(u16, String)>,
    pub(super) from_to_www: bool,
    pub(super) relative_redirects: bool,
    pub(super) app_root: Option<Template>,
    pub(super) rewrite: Option<String>,
    pub(super) use_regex: bool,
    pub(super) ssl_redirect: bool,
    pub(super) force_ssl_redirect: bool,
    pub(super) preserve_slash: bool,
    pub(super) port_in_redirects: bool,
    pub(super) allow: SourceRanges,
    pub(super) deny: SourceRanges,
    /// Whether the object has a list of its own, so that the global block list does not count.
    pub(super) own_ranges: bool,
    pub(super) error_pages: Vec<u16>,
    pub(super) intercept_errors: bool,
    pub(super) default_backend: Option<ObjectId>,
    pub(super) aliases: Vec<String>,
    pub(super) any_suffices: bool,
}

/// Which requests go to a canary.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Canary {
    pub(super) header: Option<String>,
    pub(super) value: Option<String>,
    pub(super) pattern: Option<String>,
    pub(super) cookie: Option<String>,
    pub(super) weight: i64,
    pub(super) total: i64,
    pub(super) legacy_affinity: bool,
}

impl Options {
    pub(super) fn read(notes: &Notes<'_>, globals: &Globals, out: &mut Assembly<'_>) -> Self {
        let mut denied = notes.denied;
        let allow = match ranges(notes, &["allowlist-source-range", "whitelist-source-range"], out) {
            Ranges::Absent => globals.allow.clone(),
            Ranges::Some(ranges) => ranges,
            Ranges::Bad => {
                denied = true;
                SourceRanges::default()
            }
        };
        let deny = match ranges(notes, &["denylist-source-range"], out) {
            Ranges::Absent => globals.deny.clone(),
            Ranges::Some(ranges) => ranges,
            Ranges::Bad => {
                denied = true;
                SourceRanges::default()
            }
        };
        let redirects = Redirects::read(notes, globals, out);
        let mut options = Self {
            canary: notes.flag("canary", false).then(|| Canary::read(notes)),
            denied,
            redirect: redirects.target,
            from_to_www: redirects.from_to_www,
            relative_redirects: redirects.relative,
            app_root: None,
            rewrite: notes.get("rewrite-target").map(str::to_owned),
            use_regex: notes.flag("use-regex", false),
            ssl_redirect: notes.flag("ssl-redirect", globals.ssl_redirect),
            force_ssl_redirect: notes.flag("force-ssl-redirect", globals.force_ssl_redirect),
            preserve_slash: notes.flag("preserve-trailing-slash", globals.preserve_slash),
            port_in_redirects: notes.flag("use-port-in-redirects", globals.port_in_redirects),
            own_ranges: !allow.is_empty() || !deny.is_empty(),
            allow,
            deny,
            error_pages: error_pages(notes, globals, out),
            intercept_errors: !notes.flag("disable-proxy-intercept-errors", !globals.intercept_errors),
            default_backend: default_backend(notes, out),
            aliases: aliases(notes),
            any_suffices: notes.get("satisfy") == Some("any"),
        };
        options.app_root = app_root(notes, out);
        if notes.flag("ssl-passthrough", false) && !globals.passthrough {
            notes.find(&findings::IGNORED, "ssl-passthrough", "the controller is not told to allow it", out);
        }
        options
    }
}

enum Ranges {
    Absent,
    Bad,
    Some(SourceRanges),
}

/// An address or range list under one of several names; the first that says something counts. An empty value
/// of the first name is as bad as a broken one, of another name as good as none.
fn ranges(notes: &Notes<'_>, names: &[&str], out: &mut Assembly<'_>) -> Ranges {
    let Some(name) = names.iter().find(|name| notes.get(name).is_some()) else {
        let Some(first) = names.first().filter(|name| notes.is_empty(name)) else { return Ranges::Absent };
        notes.find(&findings::DENIED, first, "it is empty, so that nobody is let in", out);
        return Ranges::Bad;
    };
    let parts = notes.get(name).unwrap_or_default().split(',').map(str::trim);
    match SourceRanges::parse(parts) {
        Ok(ranges) => Ranges::Some(ranges),
        Err(SourceRangeError { .. }) => {
            notes.find(&findings::DENIED, name, "one of its elements is no range of addresses", out);
            Ranges::Bad
        }
    }
}

struct Redirects {
    target: Option<(u16, String)>,
    from_to_www: bool,
    relative: bool,
}

impl Redirects {
    /// All of them form a group: one that is present and empty disables the others.
    const GROUP: &'static [&'static str] = &[
        "from-to-www-redirect",
        "permanent-redirect",
        "permanent-redirect-code",
        "relative-redirects",
        "temporal-redirect",
        "temporal-redirect-code",
    ];

    fn read(notes: &Notes<'_>, globals: &Globals, out: &mut Assembly<'_>) -> Self {
        let void = Self { target: None, from_to_www: false, relative: globals.relative_redirects };
        let temporal = notes.get("temporal-redirect");
        // The code of a temporal redirect is only looked at where there is one, and a permanent one where not.
        let read = |name: &&&str| match **name {
            "temporal-redirect-code" => temporal.is_some(),
            "permanent-redirect" | "permanent-redirect-code" => temporal.is_none(),
            _ => true,
        };
        if let Some(name) = Self::GROUP.iter().filter(read).find(|name| notes.is_empty(name)) {
            notes.find(
                &findings::IGNORED,
                name,
                "it is empty, which disables every redirect of the object",
                out,
            );
            return void;
        }
        let code = |name, highest, default| match notes.number(name) {
            Some(code) if (300..=highest).contains(&code) => u16::try_from(code).unwrap_or(default),
            _ => default,
        };
        let target = match (temporal, notes.get("permanent-redirect")) {
            (Some(url), _) if !url.starts_with("http") || !url.contains(':') => {
                notes.find(
                    &findings::IGNORED,
                    "temporal-redirect",
                    "it is no URL with a scheme of http",
                    out,
                );
                return void;
            }
            (Some(url), _) => Some((code("temporal-redirect-code", 307, 302), url.to_owned())),
            (None, Some(url)) => Some((code("permanent-redirect-code", 308, 301), url.to_owned())),
            (None, None) => None,
        };
        Self {
            target,
            from_to_www: notes.flag("from-to-www-redirect", false),
            relative: notes.flag("relative-redirects", globals.relative_redirects),
        }
    }
}

impl Canary {
    fn read(notes: &Notes<'_>) -> Self {
        let text = |name| notes.get(name).map(str::to_owned);
        Self {
            header: text("canary-by-header"),
            value: text("canary-by-header-value"),
            pattern: text("canary-by-header-pattern"),
            cookie: text("canary-by-cookie"),
            weight: notes.number("canary-weight").unwrap_or(0),
            total: notes.number("canary-weight-total").unwrap_or(100),
            legacy_affinity: notes.get("affinity-canary-behavior") == Some("legacy"),
        }
    }
}

fn app_root(notes: &Notes<'_>, out: &mut Assembly<'_>) -> Option<Template> {
    let value = notes.get("app-root")?;
    if !value.starts_with('/') {
        notes.find(&findings::IGNORED, "app-root", "it does not start with `/`", out);
        return None;
    }
    match template(value, false) {
        Ok(template) => Some(template),
        Err(Unknown::Refused(why)) => {
            notes.find(&findings::REFUSED, "app-root", &format!("nginx does not know {why}"), out);
            None
        }
        Err(Unknown::Unsupported(name)) => {
            notes.find(
                &findings::UNSUPPORTED,
                "app-root",
                &format!("variable {name} has no value here"),
                out,
            );
            None
        }
    }
}

fn error_pages(notes: &Notes<'_>, globals: &Globals, out: &mut Assembly<'_>) -> Vec<u16> {
    let Some(value) = notes.get("custom-http-errors") else { return globals.error_pages.clone() };
    let codes = text::statuses(value).unwrap_or_default();
    if let Some(code) = codes.iter().find(|code| text::broken_status(code)) {
        notes.find(
            &findings::REFUSED,
            "custom-http-errors",
            &format!("{code} is no status of an error page"),
            out,
        );
    }
    codes.iter().filter(|code| !text::broken_status(code)).filter_map(|code| code.parse().ok()).collect()
}

fn default_backend(notes: &Notes<'_>, out: &mut Assembly<'_>) -> Option<ObjectId> {
    let name = notes.get("default-backend")?;
    let id = ObjectId::new(notes.ingress().id().namespace(), name);
    match out.surroundings().service(&id) {
        Known::Absent => {
            notes.find(&findings::IGNORED, "default-backend", "there is no such Service", out);
            None
        }
        Known::Nothing | Known::Present(_) => Some(id),
    }
}

fn aliases(notes: &Notes<'_>) -> Vec<String> {
    let value = notes.get("server-alias").unwrap_or_default();
    let mut aliases: Vec<_> =
        value.split(',').map(str::trim).filter(|alias| !alias.is_empty()).map(str::to_owned).collect();
    aliases.sort();
    aliases.dedup();
    aliases
}
