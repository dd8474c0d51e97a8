//! Who has to agree before a request is sent on.

use super::findings;
use super::notes::Notes;
use super::settings::Globals;
use super::variables::{Unknown, template};
use crate::dialect::{Assembly, Known};
use crate::origin::ObjectId;
use crate::rule::{BasicAuth, CertificateAuth, ExternalAuth, Policy, Template};

/// What an object asks for.
#[derive(Debug, Default)]
pub(super) struct Auth {
    /// What is to be asked; nothing: everybody is let through.
    pub(super) policies: Vec<Policy>,
    /// What it asks for cannot be had: its locations answer 503.
    pub(super) denied: bool,
}

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE"];

impl Auth {
    pub(super) fn read(notes: &Notes<'_>, globals: &Globals, out: &mut Assembly<'_>) -> Self {
        let mut auth = Self::default();
        auth.basic(notes, globals, out);
        auth.external(notes, globals, out);
        if auth.policies.is_empty()
            && notes.flag("enable-global-auth", true)
            && let Some(url) = &globals.global_auth_url
            && let Ok(url) = template(url, false)
        {
            auth.policies.push(Policy::AuthorizeExternal(Box::new(external(url))));
        }
        auth
    }

    fn deny(&mut self, notes: &Notes<'_>, name: &str, why: &str, out: &mut Assembly<'_>) {
        notes.find(&findings::DENIED, name, why, out);
        self.denied = true;
    }

    fn basic(&mut self, notes: &Notes<'_>, globals: &Globals, out: &mut Assembly<'_>) {
        let Some(kind) = notes.get("auth-type") else {
            if notes.get("auth-secret").is_some() {
                notes.find(&findings::FAILS_OPEN, "auth-secret", "without auth-type nobody is asked", out);
            }
            return;
        };
        let own = notes.ingress().id().namespace();
        let Some(secret) = notes.get("auth-secret") else {
            return self.deny(notes, "auth-secret", "auth-type needs one", out);
        };
        let (namespace, name) = secret.split_once('/').unwrap_or((own, secret));
        if namespace != own && !globals.cross_namespace {
            return self.deny(notes, "auth-secret", "it is in another namespace", out);
        }
        let id = ObjectId::new(namespace, name);
        let by_key = notes.get("auth-secret-type") == Some("auth-map");
        match out.surroundings().secret(&id) {
            Known::Absent => return self.deny(notes, "auth-secret", "there is no such Secret", out),
            Known::Present(facts) if !by_key && !facts.has_key("auth") => {
                return self.deny(notes, "auth-secret", "the Secret has no key auth", out);
            }
            Known::Nothing | Known::Present(_) => {}
        }
        self.policies.push(Policy::AuthorizeBasic(Box::new(BasicAuth {
            secret: id.as_str().into(),
            by_key,
            digest: kind.contains("digest"),
            realm: notes.get("auth-realm").unwrap_or("").into(),
        })));
    }

    fn external(&mut self, notes: &Notes<'_>, globals: &Globals, out: &mut Assembly<'_>) {
        let Some(url) = notes.get("auth-url") else { return };
        if notes.no_auth {
            return;
        }
        let host = url.split_once("://").map(|(_, rest)| rest.split(['/', '?']).next().unwrap_or(""));
        match host {
            None | Some("") => return self.deny(notes, "auth-url", "it has no scheme or no host", out),
            Some(host) if host.contains("..") => {
                return self.deny(notes, "auth-url", "its host has two dots in a row", out);
            }
            Some(_) => {}
        }
        let Some(url) = self.template(notes, "auth-url", out) else { return };
        let mut service = external(url);
        if let Some(method) = notes.get("auth-method") {
            if !METHODS.contains(&method) {
                return self.deny(notes, "auth-method", "it is no method", out);
            }
            service.method = Some(method.into());
        }
        if let Some(durations) = notes.get("auth-cache-duration") {
            if !durations.split(',').all(|part| part.split_whitespace().any(is_duration)) {
                return self.deny(notes, "auth-cache-duration", "it holds no time", out);
            }
            let statuses = durations.split([',', ' ']).filter_map(|part| part.parse::<u16>().ok());
            if statuses.into_iter().any(|status| !(100..=599).contains(&status)) {
                notes.find(
                    &findings::REFUSED,
                    "auth-cache-duration",
                    "it holds a number that is no status",
                    out,
                );
            }
            service.cache_duration = Some(durations.into());
        }
        if let Some(headers) = notes.get("auth-response-headers") {
            let names = headers.split(',').map(str::trim).filter(|name| !name.is_empty());
            match names.map(str::parse).collect::<Result<Vec<_>, _>>() {
                Ok(names) => service.response_headers = names.into(),
                Err(_) => return self.deny(notes, "auth-response-headers", "one of them is no header", out),
            }
        }
        if let Some(config_map) = notes.get("auth-proxy-set-headers") {
            let own = notes.ingress().id().namespace();
            let (namespace, name) = config_map.split_once('/').unwrap_or((own, config_map));
            let id = ObjectId::new(namespace, name);
            if namespace != own && !globals.cross_namespace {
                return self.deny(notes, "auth-proxy-set-headers", "it is in another namespace", out);
            }
            if out.surroundings().config_map(&id) == Known::Absent {
                return self.deny(notes, "auth-proxy-set-headers", "there is no such ConfigMap", out);
            }
            service.request_headers = Some(id.as_str().into());
        }
        if notes.get("auth-signin").is_some() {
            service.sign_in = self.tuning(notes, "auth-signin", out);
            service.sign_in_parameter = Some(notes.get("auth-signin-redirect-param").unwrap_or("rd").into());
        }
        if notes.get("auth-cache-key").is_some() {
            service.cache_key = self.tuning(notes, "auth-cache-key", out);
        }
        service.redirect = notes.get("auth-request-redirect").map(Template::text);
        service.always_set_cookie = notes.flag("auth-always-set-cookie", false);
        self.policies.push(Policy::AuthorizeExternal(Box::new(service)));
    }

    /// A text that can be done without: what is asked and what is let through stays the same.
    fn tuning(&mut self, notes: &Notes<'_>, name: &str, out: &mut Assembly<'_>) -> Option<Template> {
        match template(notes.get(name)?, false) {
            Err(Unknown::Unsupported(variable)) => {
                let what = format!("variable {variable} has no value here; it counts as absent");
                notes.find(&findings::NOT_ACTED_ON, name, &what, out);
                None
            }
            _ => self.template(notes, name, out),
        }
    }

    fn template(&mut self, notes: &Notes<'_>, name: &str, out: &mut Assembly<'_>) -> Option<Template> {
        match template(notes.get(name)?, false) {
            Ok(template) => Some(template),
            Err(Unknown::Refused(why)) => {
                notes.find(&findings::REFUSED, name, &format!("nginx does not know {why}"), out);
                self.denied = true;
                None
            }
            Err(Unknown::Unsupported(variable)) => {
                let what = format!("variable {variable} has no value here");
                notes.find(&findings::UNSUPPORTED, name, &what, out);
                self.denied = true;
                None
            }
        }
    }
}

fn external(url: Template) -> ExternalAuth {
    ExternalAuth {
        url,
        method: None,
        sign_in: None,
        sign_in_parameter: None,
        response_headers: Box::default(),
        request_headers: None,
        redirect: None,
        cache_key: None,
        cache_duration: None,
        always_set_cookie: false,
    }
}

fn is_duration(text: &str) -> bool {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_lowercase());
    digits.len() < text.len() && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a host asks of clients' certificates.
pub(super) fn certificates(notes: &Notes<'_>) -> Option<Policy> {
    let secret = notes.get("auth-tls-secret")?;
    let verify = notes.get("auth-tls-verify-client").unwrap_or("on");
    Some(Policy::AuthorizeCertificate(Box::new(CertificateAuth {
        secret: secret.into(),
        verify: verify.into(),
        depth: notes.number("auth-tls-verify-depth").and_then(|depth| depth.try_into().ok()).unwrap_or(1),
        error_page: notes.get("auth-tls-error-page").map(Into::into),
        name: notes.get("auth-tls-match-cn").map(Into::into),
        forward: notes.flag("auth-tls-pass-certificate-to-upstream", false),
    })))
}
