//! Every annotation of the controller: how risky it is held to be, what its value has to look like, what a
//! bad value does, and what is lost where it is not acted on.

use super::text::Shape;

/// The prefix of all of them.
pub(super) const PREFIX: &str = "nginx.ingress.kubernetes.io/";

/// How risky the controller holds an annotation to be: above the level that the cluster allows, the object
/// is not loaded.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Risk {
    Low,
    Medium,
    High,
    Critical,
}

/// What a bad value does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Bad {
    /// It counts as absent.
    Default,
    /// The object's locations answer 503.
    Deny,
    /// The object is not loaded.
    Drop,
    /// Requests are let through without being asked for anything.
    NoAuth,
}

/// One annotation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Behind the prefix.
    pub(super) name: &'static str,
    pub(super) risk: Risk,
    pub(super) shape: Shape,
    pub(super) bad: Bad,
    /// What is lost, for one that is read and judged but not acted on.
    pub(super) lost: Option<&'static str>,
}

const fn entry(name: &'static str, risk: Risk, shape: Shape, bad: Bad, lost: Option<&'static str>) -> Entry {
    Entry { name, risk, shape, bad, lost }
}

/// The entry of a name, behind the prefix.
pub(super) fn find(name: &str) -> Option<&'static Entry> {
    let at = ENTRIES.binary_search_by(|entry| entry.name.cmp(name)).ok()?;
    ENTRIES.get(at)
}

/// The annotation without which another one is not even looked at.
pub(super) fn needs(name: &str) -> Option<&'static str> {
    Some(match name {
        "auth-realm" | "auth-secret" | "auth-secret-type" => "auth-type",
        "auth-always-set-cookie"
        | "auth-cache-duration"
        | "auth-cache-key"
        | "auth-keepalive"
        | "auth-keepalive-requests"
        | "auth-keepalive-share-vars"
        | "auth-keepalive-timeout"
        | "auth-method"
        | "auth-proxy-set-headers"
        | "auth-request-redirect"
        | "auth-response-headers"
        | "auth-signin"
        | "auth-signin-redirect-param" => "auth-url",
        "temporal-redirect-code" => "temporal-redirect",
        _ if name.starts_with("auth-tls-") && name != "auth-tls-secret" => "auth-tls-secret",
        _ if name.starts_with("proxy-ssl-") && name != "proxy-ssl-secret" => "proxy-ssl-secret",
        _ => return None,
    })
}

/// In the order of their names.
#[rustfmt::skip]
pub(super) const ENTRIES: &[Entry] = &[
    entry("affinity", Risk::Low, Shape::OneOf(&["cookie"]), Bad::Default, None),
    entry("affinity-canary-behavior", Risk::Low, Shape::OneOf(&["sticky","legacy"]), Bad::Default, None),
    entry("affinity-mode", Risk::Medium, Shape::OneOf(&["balanced","persistent"]), Bad::Default, None),
    entry("allowlist-source-range", Risk::Medium, Shape::Line, Bad::Deny, None),
    entry("app-root", Risk::Medium, Shape::Captures, Bad::Default, None),
    entry("auth-always-set-cookie", Risk::Low, Shape::Bool, Bad::NoAuth, None),
    entry("auth-cache-duration", Risk::Medium, Shape::Extended, Bad::NoAuth, None),
    entry("auth-cache-key", Risk::Medium, Shape::Variables, Bad::Default, None),
    entry("auth-keepalive", Risk::Low, Shape::Int, Bad::Default, Some("connections to the authorising service are not kept")),
    entry("auth-keepalive-requests", Risk::Low, Shape::Int, Bad::Default, Some("connections to the authorising service are not kept")),
    entry("auth-keepalive-share-vars", Risk::Low, Shape::Bool, Bad::Default, Some("connections to the authorising service are not kept")),
    entry("auth-keepalive-timeout", Risk::Low, Shape::Int, Bad::Default, Some("connections to the authorising service are not kept")),
    entry("auth-method", Risk::Low, Shape::Basic, Bad::Deny, None),
    entry("auth-proxy-set-headers", Risk::Medium, Shape::Spaced, Bad::Default, None),
    entry("auth-realm", Risk::Medium, Shape::Spaced, Bad::Drop, None),
    entry("auth-request-redirect", Risk::Medium, Shape::UrlSpaced, Bad::NoAuth, None),
    entry("auth-response-headers", Risk::Medium, Shape::Headers, Bad::Deny, None),
    entry("auth-secret", Risk::Medium, Shape::Spaced, Bad::Deny, None),
    entry("auth-secret-type", Risk::Low, Shape::OneOf(&["auth-file","auth-map"]), Bad::Drop, None),
    entry("auth-signin", Risk::High, Shape::UrlVariables, Bad::Default, None),
    entry("auth-signin-redirect-param", Risk::Medium, Shape::UrlSpaced, Bad::Default, None),
    entry("auth-snippet", Risk::Critical, Shape::Line, Bad::Default, Some("text for the configuration of nginx is never read")),
    entry("auth-tls-error-page", Risk::High, Shape::Url, Bad::Drop, None),
    entry("auth-tls-match-cn", Risk::High, Shape::CommonName, Bad::Drop, None),
    entry("auth-tls-pass-certificate-to-upstream", Risk::Low, Shape::Bool, Bad::Drop, None),
    entry("auth-tls-secret", Risk::Medium, Shape::Spaced, Bad::Drop, None),
    entry("auth-tls-verify-client", Risk::Medium, Shape::OneOf(&["on","off","optional","optional_no_ca"]), Bad::Default, None),
    entry("auth-tls-verify-depth", Risk::Low, Shape::Int, Bad::Default, None),
    entry("auth-type", Risk::Low, Shape::AuthType, Bad::Drop, None),
    entry("auth-url", Risk::High, Shape::UrlVariables, Bad::Drop, None),
    entry("backend-protocol", Risk::Low, Shape::OneOfFold(&["HTTP","HTTPS","AUTO_HTTP","GRPC","GRPCS","FCGI"]), Bad::Default, None),
    entry("canary", Risk::Low, Shape::Bool, Bad::Default, None),
    entry("canary-by-cookie", Risk::Medium, Shape::Spaced, Bad::Default, None),
    entry("canary-by-header", Risk::Medium, Shape::Spaced, Bad::Default, None),
    entry("canary-by-header-pattern", Risk::Medium, Shape::Regex, Bad::Default, None),
    entry("canary-by-header-value", Risk::Medium, Shape::Spaced, Bad::Default, None),
    entry("canary-weight", Risk::Low, Shape::Int, Bad::Default, None),
    entry("canary-weight-total", Risk::Low, Shape::Int, Bad::Default, None),
    entry("client-body-buffer-size", Risk::Low, Shape::Size, Bad::Drop, Some("buffers have sizes of their own")),
    entry("configuration-snippet", Risk::Critical, Shape::Line, Bad::Drop, Some("text for the configuration of nginx is never read")),
    entry("connection-proxy-header", Risk::Low, Shape::OneOf(&["close","keep-alive"]), Bad::Drop, Some("the header is set as the protocol wants it")),
    entry("cors-allow-credentials", Risk::Low, Shape::Bool, Bad::Default, None),
    entry("cors-allow-headers", Risk::Medium, Shape::Headers, Bad::Default, None),
    entry("cors-allow-methods", Risk::Medium, Shape::Headers, Bad::Default, None),
    entry("cors-allow-origin", Risk::Medium, Shape::Line, Bad::Default, None),
    entry("cors-expose-headers", Risk::Medium, Shape::Headers, Bad::Default, None),
    entry("cors-max-age", Risk::Low, Shape::Int, Bad::Default, None),
    entry("custom-headers", Risk::Medium, Shape::Basic, Bad::Default, Some("no headers are added to answers")),
    entry("custom-http-errors", Risk::Low, Shape::Statuses, Bad::Drop, None),
    entry("default-backend", Risk::Low, Shape::Service, Bad::Drop, None),
    entry("denylist-source-range", Risk::Medium, Shape::Line, Bad::Deny, None),
    entry("disable-proxy-intercept-errors", Risk::Low, Shape::Bool, Bad::Default, None),
    entry("enable-access-log", Risk::Low, Shape::Bool, Bad::Default, None),
    entry("enable-cors", Risk::Low, Shape::Bool, Bad::Default, None),
    entry("enable-global-auth", Risk::Low, Shape::Bool, Bad::Default, None),
    entry("enable-modsecurity", Risk::Low, Shape::Bool, Bad::Default, Some("requests are not inspected")),
    entry("enable-opentelemetry", Risk::Low, Shape::Bool, Bad::Default, Some("no spans are recorded")),
    entry("enable-owasp-core-rules", Risk::Low, Shape::Bool, Bad::Default, Some("requests are not inspected")),
    entry("enable-rewrite-log", Risk::Low, Shape::Bool, Bad::Default, Some("there is no such log")),
    entry("fastcgi-index", Risk::Medium, Shape::Basic, Bad::Drop, Some("FastCGI is not spoken")),
    entry("fastcgi-params-configmap", Risk::Medium, Shape::Basic, Bad::Drop, Some("FastCGI is not spoken")),
    entry("force-ssl-redirect", Risk::Medium, Shape::Bool, Bad::Default, None),
    entry("from-to-www-redirect", Risk::Low, Shape::Bool, Bad::Drop, None),
    entry("http2-push-preload", Risk::Low, Shape::Bool, Bad::Drop, Some("HTTP/2 push is gone")),
    entry("limit-allowlist", Risk::Low, Shape::Ranges, Bad::Drop, None),
    entry("limit-burst-multiplier", Risk::Low, Shape::Int, Bad::Default, None),
    entry("limit-connections", Risk::Low, Shape::Int, Bad::Drop, None),
    entry("limit-rate", Risk::Low, Shape::Int, Bad::Default, None),
    entry("limit-rate-after", Risk::Low, Shape::Int, Bad::Default, None),
    entry("limit-rpm", Risk::Low, Shape::Int, Bad::Drop, None),
    entry("limit-rps", Risk::Low, Shape::Int, Bad::Drop, None),
    entry("limit-whitelist", Risk::Low, Shape::Ranges, Bad::Drop, None),
    entry("load-balance", Risk::Low, Shape::OneOf(&["round_robin","chash","chashsubset","sticky_balanced","sticky_persistent","ewma"]), Bad::Drop, None),
    entry("mirror-host", Risk::High, Shape::Regex, Bad::Default, None),
    entry("mirror-request-body", Risk::Low, Shape::OneOf(&["on","off"]), Bad::Default, None),
    entry("mirror-target", Risk::High, Shape::UrlVariables, Bad::Default, None),
    entry("modsecurity-snippet", Risk::Critical, Shape::Line, Bad::Drop, Some("text for the configuration of nginx is never read")),
    entry("modsecurity-transaction-id", Risk::High, Shape::Variables, Bad::Default, Some("requests are not inspected")),
    entry("opentelemetry-operation-name", Risk::Medium, Shape::Spaced, Bad::Drop, Some("no spans are recorded")),
    entry("opentelemetry-trust-incoming-span", Risk::Low, Shape::Bool, Bad::Default, Some("no spans are recorded")),
    entry("permanent-redirect", Risk::Medium, Shape::Url, Bad::Drop, None),
    entry("permanent-redirect-code", Risk::Low, Shape::Int, Bad::Drop, None),
    entry("preserve-trailing-slash", Risk::Medium, Shape::Bool, Bad::Default, None),
    entry("proxy-body-size", Risk::Medium, Shape::Size, Bad::Default, None),
    entry("proxy-buffer-size", Risk::Low, Shape::Size, Bad::Default, Some("buffers have sizes of their own")),
    entry("proxy-buffering", Risk::Low, Shape::OneOf(&["on","off"]), Bad::Default, None),
    entry("proxy-buffers-number", Risk::Low, Shape::Int, Bad::Default, Some("buffers have sizes of their own")),
    entry("proxy-busy-buffers-size", Risk::Low, Shape::Size, Bad::Default, Some("buffers have sizes of their own")),
    entry("proxy-connect-timeout", Risk::Low, Shape::Int, Bad::Default, None),
    entry("proxy-cookie-domain", Risk::Medium, Shape::Spaced, Bad::Default, Some("cookies of answers are not rewritten")),
    entry("proxy-cookie-path", Risk::Medium, Shape::Spaced, Bad::Default, Some("cookies of answers are not rewritten")),
    entry("proxy-http-version", Risk::Low, Shape::OneOf(&["1.0","1.1"]), Bad::Default, None),
    entry("proxy-max-temp-file-size", Risk::Low, Shape::Size, Bad::Default, Some("nothing is written to files")),
    entry("proxy-next-upstream", Risk::Medium, Shape::Line, Bad::Default, None),
    entry("proxy-next-upstream-timeout", Risk::Low, Shape::Int, Bad::Default, None),
    entry("proxy-next-upstream-tries", Risk::Low, Shape::Int, Bad::Default, None),
    entry("proxy-read-timeout", Risk::Low, Shape::Int, Bad::Default, None),
    entry("proxy-redirect-from", Risk::Medium, Shape::Url, Bad::Default, Some("locations of answers are not rewritten")),
    entry("proxy-redirect-to", Risk::Medium, Shape::Url, Bad::Default, Some("locations of answers are not rewritten")),
    entry("proxy-request-buffering", Risk::Low, Shape::OneOf(&["on","off"]), Bad::Default, None),
    entry("proxy-send-timeout", Risk::Low, Shape::Int, Bad::Default, None),
    entry("proxy-ssl-ciphers", Risk::Medium, Shape::Ciphers, Bad::Default, Some("the defaults are used")),
    entry("proxy-ssl-name", Risk::High, Shape::Regex, Bad::Default, None),
    entry("proxy-ssl-protocols", Risk::Low, Shape::Spaced, Bad::Default, Some("the defaults are used")),
    entry("proxy-ssl-secret", Risk::Medium, Shape::Spaced, Bad::Drop, None),
    entry("proxy-ssl-server-name", Risk::Low, Shape::OneOf(&["on","off"]), Bad::Default, None),
    entry("proxy-ssl-verify", Risk::Low, Shape::OneOf(&["on","off"]), Bad::Default, None),
    entry("proxy-ssl-verify-depth", Risk::Low, Shape::Int, Bad::Default, None),
    entry("relative-redirects", Risk::Low, Shape::Bool, Bad::Drop, None),
    entry("rewrite-target", Risk::Medium, Shape::Captures, Bad::Default, None),
    entry("satisfy", Risk::Low, Shape::OneOf(&["any","all"]), Bad::Default, None),
    entry("server-alias", Risk::High, Shape::ServerNames, Bad::Drop, None),
    entry("server-snippet", Risk::Critical, Shape::Line, Bad::Drop, Some("text for the configuration of nginx is never read")),
    entry("service-upstream", Risk::Low, Shape::Bool, Bad::Default, None),
    entry("session-cookie-change-on-failure", Risk::Low, Shape::Bool, Bad::Default, None),
    entry("session-cookie-conditional-samesite-none", Risk::Low, Shape::Bool, Bad::Default, None),
    entry("session-cookie-domain", Risk::Medium, Shape::Spaced, Bad::Default, None),
    entry("session-cookie-expires", Risk::Medium, Shape::Int, Bad::Default, None),
    entry("session-cookie-max-age", Risk::Medium, Shape::Int, Bad::Default, None),
    entry("session-cookie-name", Risk::Medium, Shape::Spaced, Bad::Default, None),
    entry("session-cookie-path", Risk::Medium, Shape::UrlSpaced, Bad::Default, None),
    entry("session-cookie-samesite", Risk::Low, Shape::OneOf(&["None","Lax","Strict"]), Bad::Default, None),
    entry("session-cookie-secure", Risk::Low, Shape::Bool, Bad::Default, None),
    entry("ssl-ciphers", Risk::Low, Shape::Ciphers, Bad::Drop, Some("the defaults are used")),
    entry("ssl-passthrough", Risk::Low, Shape::Bool, Bad::Drop, None),
    entry("ssl-prefer-server-ciphers", Risk::Low, Shape::Bool, Bad::Default, Some("the defaults are used")),
    entry("ssl-redirect", Risk::Low, Shape::Bool, Bad::Default, None),
    entry("stream-snippet", Risk::Critical, Shape::Line, Bad::Drop, Some("text for the configuration of nginx is never read")),
    entry("temporal-redirect", Risk::Medium, Shape::Url, Bad::Drop, None),
    entry("temporal-redirect-code", Risk::Low, Shape::Int, Bad::Drop, None),
    entry("upstream-hash-by", Risk::High, Shape::Variables, Bad::Drop, None),
    entry("upstream-hash-by-subset", Risk::Low, Shape::Bool, Bad::Drop, None),
    entry("upstream-hash-by-subset-size", Risk::Low, Shape::Int, Bad::Drop, None),
    entry("upstream-vhost", Risk::Low, Shape::Regex, Bad::Drop, None),
    entry("use-port-in-redirects", Risk::Low, Shape::Bool, Bad::Default, None),
    entry("use-regex", Risk::Low, Shape::Bool, Bad::Default, None),
    entry("whitelist-source-range", Risk::Medium, Shape::Line, Bad::Deny, None),
    entry("x-forwarded-prefix", Risk::Medium, Shape::CapturesSpaced, Bad::Drop, None),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_order() {
        assert!(ENTRIES.is_sorted_by_key(|entry| entry.name));
        assert!(find("rewrite-target").is_some() && find("rewrite").is_none());
    }
}
