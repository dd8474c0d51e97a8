//! What the controller is told besides objects: its flags and its ConfigMap.

use std::net::IpAddr;

use http::HeaderName;

use super::super::catalog::{SettingWarning, Settings};
use super::text::{boolean, integer, statuses};
use super::vocabulary::Risk;
use crate::origin::{ObjectId, SecretRef};
use crate::rule::SourceRanges;

/// The options, by the names that the catalogue takes.
pub(in crate::dialect) const OPTIONS: &[&str] = &[
    "controllerClass",
    "defaultBackendService",
    "defaultSSLCertificate",
    "deepInspect",
    "disableCatchAll",
    "enableAnnotationValidation",
    "enableSSLPassthrough",
    "ingressClass",
    "ingressClassByName",
    "watchIngressWithoutClass",
];

/// All of it, with the defaults of the controller.
#[derive(Clone, Debug)]
pub(super) struct Globals {
    pub(super) controller_class: String,
    pub(super) ingress_class: String,
    pub(super) class_by_name: bool,
    pub(super) take_unclassed: bool,
    pub(super) disable_catch_all: bool,
    pub(super) deep_inspect: bool,
    pub(super) validate: bool,
    pub(super) passthrough: bool,
    pub(super) default_backend: Option<ObjectId>,
    pub(super) default_certificate: Option<SecretRef>,

    pub(super) ssl_redirect: bool,
    pub(super) force_ssl_redirect: bool,
    pub(super) preserve_slash: bool,
    pub(super) redirect_code: u16,
    pub(super) no_tls_redirect: Vec<String>,
    pub(super) no_auth: Vec<String>,
    pub(super) forwarded_headers: bool,
    pub(super) real_ip: bool,
    pub(super) proxy_protocol: bool,
    pub(super) client_header: HeaderName,
    /// Whose headers are believed; of nobody in particular, everybody's.
    pub(super) believed: Option<SourceRanges>,
    pub(super) relative_redirects: bool,
    pub(super) port_in_redirects: bool,
    pub(super) allow: SourceRanges,
    pub(super) deny: SourceRanges,
    pub(super) block: SourceRanges,
    pub(super) block_agents: Vec<String>,
    pub(super) block_referers: Vec<String>,
    pub(super) error_pages: Vec<u16>,
    pub(super) intercept_errors: bool,
    pub(super) risk: Risk,
    pub(super) strict_paths: bool,
    pub(super) snippets: bool,
    pub(super) cross_namespace: bool,
    pub(super) blocked_words: Vec<String>,
    pub(super) load_balance: Option<String>,
    pub(super) service_upstream: bool,
    pub(super) global_auth_url: Option<String>,
}

impl Default for Globals {
    fn default() -> Self {
        Self {
            controller_class: "k8s.io/ingress-nginx".to_owned(),
            ingress_class: "nginx".to_owned(),
            class_by_name: false,
            take_unclassed: false,
            disable_catch_all: false,
            deep_inspect: true,
            validate: true,
            passthrough: false,
            default_backend: None,
            default_certificate: None,
            ssl_redirect: true,
            force_ssl_redirect: false,
            preserve_slash: false,
            redirect_code: 308,
            no_tls_redirect: vec!["/.well-known/acme-challenge".to_owned()],
            no_auth: vec!["/.well-known/acme-challenge".to_owned()],
            forwarded_headers: false,
            real_ip: false,
            proxy_protocol: false,
            client_header: HeaderName::from_static("x-forwarded-for"),
            believed: None,
            relative_redirects: false,
            port_in_redirects: false,
            allow: SourceRanges::default(),
            deny: SourceRanges::default(),
            block: SourceRanges::default(),
            block_agents: Vec::new(),
            block_referers: Vec::new(),
            error_pages: Vec::new(),
            intercept_errors: true,
            risk: Risk::High,
            strict_paths: true,
            snippets: false,
            cross_namespace: false,
            blocked_words: Vec::new(),
            load_balance: None,
            service_upstream: false,
            global_auth_url: None,
        }
    }
}

/// Keys that change how connections, logs and buffers are handled, and no answer that is given here.
const TUNING: &[&str] = &[
    "access-log-path",
    "client-body-buffer-size",
    "compute-full-forwarded-for",
    "enable-brotli",
    "error-log-level",
    "gzip-level",
    "http2-max-concurrent-streams",
    "keep-alive",
    "log-format-upstream",
    "proxy-body-size",
    "proxy-connect-timeout",
    "proxy-read-timeout",
    "proxy-send-timeout",
    "server-tokens",
    "ssl-ciphers",
    "ssl-protocols",
    "ssl-reject-handshake",
    "use-gzip",
    "use-http2",
    "worker-processes",
];

fn list(value: &str) -> Vec<String> {
    value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

impl Globals {
    /// Reads the settings. Bad values are passed over one by one, as the controller does.
    pub(super) fn read(settings: &Settings) -> (Self, Vec<SettingWarning>) {
        let mut globals = Self::default();
        let mut warnings = Vec::new();
        for (name, value) in settings.options() {
            if let Err(why) = globals.flag(name, value) {
                warnings.push(SettingWarning::new(name, why));
            }
        }
        for (key, value) in settings.config_data() {
            if let Err(why) = globals.key(key, value) {
                warnings.push(SettingWarning::new(key, why));
            }
        }
        (globals, warnings)
    }

    fn flag(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        let truth = || boolean(value).ok_or("it is no boolean; the default holds");
        let object = || {
            let (namespace, name) =
                value.split_once('/').ok_or("it is no namespace/name; it has no effect")?;
            Ok::<_, &'static str>((namespace.to_owned(), name.to_owned()))
        };
        match name {
            "controllerClass" => value.clone_into(&mut self.controller_class),
            "ingressClass" => value.clone_into(&mut self.ingress_class),
            "ingressClassByName" => self.class_by_name = truth()?,
            "watchIngressWithoutClass" => self.take_unclassed = truth()?,
            "disableCatchAll" => self.disable_catch_all = truth()?,
            "deepInspect" => self.deep_inspect = truth()?,
            "enableAnnotationValidation" => self.validate = truth()?,
            "enableSSLPassthrough" => self.passthrough = truth()?,
            "defaultBackendService" => {
                let (namespace, name) = object()?;
                self.default_backend = Some(ObjectId::new(&namespace, &name));
            }
            "defaultSSLCertificate" => {
                let (namespace, name) = object()?;
                self.default_certificate = Some(SecretRef::new(&namespace, &name));
            }
            _ => {}
        }
        Ok(())
    }

    fn key(&mut self, key: &str, value: &str) -> Result<(), &'static str> {
        let truth = || boolean(value).ok_or("it is no boolean; the default holds");
        let ranges = || {
            let parts = list(value);
            SourceRanges::parse(parts.iter().map(String::as_str))
                .map_err(|_| "it holds no range; it has no effect")
        };
        match key {
            "ssl-redirect" => self.ssl_redirect = truth()?,
            "force-ssl-redirect" => self.force_ssl_redirect = truth()?,
            "preserve-trailing-slash" => self.preserve_slash = truth()?,
            "http-redirect-code" => match integer(value) {
                Some(code @ (301 | 302 | 307 | 308)) => {
                    self.redirect_code = u16::try_from(code).unwrap_or(308);
                }
                _ => return Err("only 301, 302, 307 and 308 are taken; 308 holds"),
            },
            "no-tls-redirect-locations" => self.no_tls_redirect = list(value),
            "no-auth-locations" => self.no_auth = list(value),
            "use-forwarded-headers" => self.forwarded_headers = truth()?,
            "enable-real-ip" => self.real_ip = truth()?,
            "use-proxy-protocol" => self.proxy_protocol = truth()?,
            "forwarded-for-header" => {
                self.client_header =
                    value.parse().map_err(|_| "it is no name of a header; X-Forwarded-For holds")?;
            }
            "proxy-real-ip-cidr" => self.believed = Some(ranges()?),
            "relative-redirects" => self.relative_redirects = truth()?,
            "use-port-in-redirects" => self.port_in_redirects = truth()?,
            "whitelist-source-range" | "allowlist-source-range" => self.allow = ranges()?,
            "denylist-source-range" => self.deny = ranges()?,
            "block-cidrs" => {
                let block = ranges()?;
                let own = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
                let cut_off = own.iter().any(|own| block.contains(*own));
                self.block = block;
                if cut_off {
                    return Err(
                        "it holds the loopback address: the controller would lose its own control channel",
                    );
                }
            }
            "block-user-agents" => self.block_agents = list(value),
            "block-referers" => self.block_referers = list(value),
            "custom-http-errors" => {
                let codes =
                    statuses(value).ok_or("it holds something else than 4xx and 5xx; it has no effect")?;
                self.error_pages = codes.iter().filter_map(|code| code.parse().ok()).collect();
            }
            "disable-proxy-intercept-errors" => self.intercept_errors = !truth()?,
            "strict-validate-path-type" => self.strict_paths = truth()?,
            "annotations-risk-level" => {
                self.risk = match value {
                    "Low" => Risk::Low,
                    "Medium" => Risk::Medium,
                    "High" => Risk::High,
                    "Critical" => Risk::Critical,
                    _ => return Err("it is no level of risk; High holds"),
                }
            }
            "allow-snippet-annotations" => self.snippets = truth()?,
            "allow-cross-namespace-resources" => self.cross_namespace = truth()?,
            // Words are not trimmed: so it is done where objects are loaded.
            "annotation-value-word-blocklist" => {
                self.blocked_words =
                    value.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect();
            }
            "load-balance" => self.load_balance = Some(value.to_owned()),
            "service-upstream" => self.service_upstream = truth()?,
            "global-auth-url" => self.global_auth_url = Some(value.to_owned()).filter(|url| !url.is_empty()),
            key if TUNING.contains(&key) => {}
            _ => return Err("it is not acted on"),
        }
        Ok(())
    }
}
