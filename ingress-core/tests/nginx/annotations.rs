//! What the controller reads out of the annotations that the sets use.
//!
//! Written from the description of the controller's behaviour, not from the dialect.

use k8s_openapi::api::networking::v1::Ingress;

use crate::objects::PREFIX;

/// The annotations of an object that it is served with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) canary: Option<Policy>,
    pub(crate) use_regex: bool,
    pub(crate) rewrite_target: String,
    pub(crate) app_root: String,
    pub(crate) ssl_redirect: bool,
    pub(crate) force_ssl_redirect: bool,
    pub(crate) preserve_trailing_slash: bool,
    /// Status and target of a temporal or permanent redirect.
    pub(crate) redirect: Option<(u16, String)>,
    pub(crate) from_to_www: bool,
    pub(crate) relative_redirects: bool,
    pub(crate) aliases: Vec<String>,
    /// Its locations answer 503.
    pub(crate) denied: bool,
}

/// When a canary gets a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    pub(crate) weight: i64,
    pub(crate) total: i64,
    pub(crate) header: String,
    pub(crate) header_value: String,
    pub(crate) header_pattern: String,
    pub(crate) cookie: String,
}

struct Reader<'i>(&'i Ingress);

impl<'i> Reader<'i> {
    fn raw(&self, name: &str) -> Option<&'i str> {
        let annotations = self.0.metadata.annotations.as_ref()?;
        annotations.get(&format!("{PREFIX}{name}")).map(String::as_str)
    }

    fn text(&self, name: &str) -> &'i str {
        self.raw(name).unwrap_or("")
    }

    /// `None` when the value is no boolean, and when there is none.
    fn bool(&self, name: &str) -> Option<bool> {
        match self.raw(name)? {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
            _ => None,
        }
    }

    fn integer(&self, name: &str) -> Option<i64> {
        self.raw(name)?.parse().ok()
    }
}

impl Options {
    /// `None` when the object is dropped for an annotation.
    pub(crate) fn read(ingress: &Ingress) -> Option<Self> {
        let reader = Reader(ingress);
        let mut options = Self {
            use_regex: reader.bool("use-regex").unwrap_or(false),
            ssl_redirect: reader.bool("ssl-redirect").unwrap_or(true),
            force_ssl_redirect: reader.bool("force-ssl-redirect").unwrap_or(false),
            preserve_trailing_slash: reader.bool("preserve-trailing-slash").unwrap_or(false),
            aliases: aliases(reader.text("server-alias")),
            ..Self::default()
        };
        if reader.bool("canary") == Some(true) {
            options.canary = Some(Policy {
                weight: reader.integer("canary-weight").unwrap_or(0),
                total: reader.integer("canary-weight-total").filter(|total| *total > 100).unwrap_or(100),
                header: reader.text("canary-by-header").to_owned(),
                header_value: reader.text("canary-by-header-value").to_owned(),
                header_pattern: reader.text("canary-by-header-pattern").to_owned(),
                cookie: reader.text("canary-by-cookie").to_owned(),
            });
        }
        if is_target(reader.text("rewrite-target")) {
            reader.text("rewrite-target").clone_into(&mut options.rewrite_target);
        }
        let root = reader.text("app-root");
        if is_target(root) && root.starts_with('/') {
            root.clone_into(&mut options.app_root);
        }
        options.read_redirects(&reader)?;
        for name in ["allowlist-source-range", "denylist-source-range"] {
            let bad = |value: &str| value.split(',').any(|part| !is_range(part.trim()));
            options.denied |= reader.raw(name).is_some_and(bad);
        }
        Some(options)
    }

    /// One group: an empty member switches all of them off.
    fn read_redirects(&mut self, reader: &Reader<'_>) -> Option<()> {
        for name in ["from-to-www-redirect", "relative-redirects"] {
            if reader.raw(name).is_some_and(|value| !value.is_empty()) {
                reader.bool(name)?;
            }
        }
        let names = [
            "from-to-www-redirect",
            "relative-redirects",
            "temporal-redirect",
            "temporal-redirect-code",
            "permanent-redirect",
            "permanent-redirect-code",
        ];
        if names.iter().any(|name| reader.raw(name) == Some("")) {
            return Some(());
        }
        for name in ["temporal-redirect", "permanent-redirect"] {
            if !reader.text(name).bytes().all(is_of_url) {
                return None;
            }
        }
        let code = |name: &str, most: i64, usual: u16| match reader.raw(name) {
            None => Some(usual),
            Some(text) => {
                let code: i64 = text.parse().ok()?;
                Some(if (300..=most).contains(&code) { code as u16 } else { usual })
            }
        };
        if let Some(url) = reader.raw("temporal-redirect") {
            if !url.starts_with("http") || !url.contains("://") {
                return Some(());
            }
            self.redirect = Some((code("temporal-redirect-code", 307, 302)?, url.to_owned()));
        } else if let Some(url) = reader.raw("permanent-redirect") {
            self.redirect = Some((code("permanent-redirect-code", 308, 301)?, url.to_owned()));
        }
        self.from_to_www = reader.bool("from-to-www-redirect").unwrap_or(false);
        self.relative_redirects = reader.bool("relative-redirects").unwrap_or(false);
        Some(())
    }
}

fn is_of_url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~/:,?&=".contains(&byte)
}

/// What may stand in rewrite-target and app-root.
fn is_target(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~:/$-".contains(&byte))
}

fn is_range(text: &str) -> bool {
    text.split('/').next().is_some_and(|address| address.parse::<std::net::IpAddr>().is_ok())
}

fn aliases(list: &str) -> Vec<String> {
    let mut aliases: Vec<_> =
        list.split(',').map(str::trim).filter(|alias| !alias.is_empty()).map(str::to_owned).collect();
    aliases.sort();
    aliases.dedup();
    aliases
}
