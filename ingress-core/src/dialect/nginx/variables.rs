//! Text with nginx's variables in it, as a template.

use http::HeaderName;

use crate::rule::{Piece, Template};

/// Why a text cannot be a template.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Unknown {
    /// nginx refuses its configuration over it.
    Refused(String),
    /// nginx knows the variable; nothing here does.
    Unsupported(String),
}

/// Variables that the controller sets in each location; what they say is known when rules are made.
pub(super) const OF_LOCATION: [&str; 5] =
    ["ingress_name", "location_path", "namespace", "service_name", "service_port"];

/// Variables that nginx or the controller sets, and that say nothing that is known when a request is routed.
const OTHERS: &[&str] = &[
    "args_count",
    "balancer_ewma_score",
    "body_bytes_sent",
    "bytes_sent",
    "connection",
    "connection_requests",
    "connection_time",
    "connections_active",
    "connections_reading",
    "connections_waiting",
    "connections_writing",
    "content_length",
    "content_type",
    "document_root",
    "full_x_forwarded_proto",
    "global_rate_limit_exceeding",
    "gzip_ratio",
    "hostname",
    "http2",
    "https",
    "invalid_referer",
    "is_args",
    "limit_rate",
    "msec",
    "nginx_version",
    "pid",
    "pipe",
    "proxy_add_x_forwarded_for",
    "proxy_alternative_upstream_name",
    "proxy_host",
    "proxy_port",
    "proxy_protocol_addr",
    "proxy_protocol_port",
    "proxy_protocol_server_addr",
    "proxy_protocol_server_port",
    "proxy_upstream_name",
    "realip_remote_addr",
    "realip_remote_port",
    "realpath_root",
    "remote_port",
    "remote_user",
    "req_id",
    "request",
    "request_body",
    "request_body_file",
    "request_completion",
    "request_filename",
    "request_id",
    "request_length",
    "request_time",
    "server_addr",
    "server_name",
    "server_protocol",
    "ssl_alpn_protocol",
    "ssl_cipher",
    "ssl_ciphers",
    "ssl_client_cert",
    "ssl_client_escaped_cert",
    "ssl_client_fingerprint",
    "ssl_client_i_dn",
    "ssl_client_i_dn_legacy",
    "ssl_client_raw_cert",
    "ssl_client_s_dn",
    "ssl_client_s_dn_legacy",
    "ssl_client_serial",
    "ssl_client_v_end",
    "ssl_client_v_remain",
    "ssl_client_v_start",
    "ssl_client_verify",
    "ssl_curve",
    "ssl_curves",
    "ssl_early_data",
    "ssl_protocol",
    "ssl_server_name",
    "ssl_session_id",
    "ssl_session_reused",
    "status",
    "subdomain",
    "tcpinfo_rcv_space",
    "tcpinfo_rtt",
    "tcpinfo_rttvar",
    "tcpinfo_snd_cwnd",
    "the_real_ip",
    "time_iso8601",
    "time_local",
    "upstream_addr",
    "upstream_bytes_received",
    "upstream_bytes_sent",
    "upstream_cache_status",
    "upstream_connect_time",
    "upstream_header_time",
    "upstream_response_length",
    "upstream_response_time",
    "upstream_status",
];

/// Reads a text; with `groups`, `$1` to `$9` are those of an expression.
pub(super) fn template(text: &str, groups: bool) -> Result<Template, Unknown> {
    template_with(text, groups, |_| None)
}

/// The same where more variables have a value: those of a location, or the named groups of an expression.
pub(super) fn template_with(
    text: &str,
    groups: bool,
    known: impl Fn(&str) -> Option<Piece>,
) -> Result<Template, Unknown> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        plain.push_str(before);
        let (name, behind) = name(after);
        rest = behind;
        if !plain.is_empty() {
            pieces.push(Piece::text(&std::mem::take(&mut plain)));
        }
        if name.is_empty() {
            return Err(Unknown::Refused("a lone `$`".to_owned()));
        }
        pieces.push(match known(name) {
            Some(piece) => piece,
            None => variable(name, groups)?,
        });
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::text(&plain));
    }
    Ok(Template::new(pieces))
}

/// What is wrong with a text that is used at a location, where it will have all that a location knows.
pub(super) fn judge(text: &str, names: &[String]) -> Result<(), Unknown> {
    let known = |name: &str| {
        (OF_LOCATION.contains(&name) || names.iter().any(|own| own == name)).then(|| Piece::text(""))
    };
    template_with(text, true, known).map(|_| ())
}

/// The name behind a `$`, and what follows it.
fn name(text: &str) -> (&str, &str) {
    if let Some(inner) = text.strip_prefix('{') {
        return inner.split_once('}').unwrap_or(("", text));
    }
    // A group is a single digit.
    let end = match text.bytes().next() {
        Some(b'0'..=b'9') => 1,
        _ => text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len()),
    };
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn variable(name: &str, groups: bool) -> Result<Piece, Unknown> {
    let header = |name: &str| {
        HeaderName::from_bytes(name.replace('_', "-").as_bytes())
            .map(Piece::Header)
            .map_err(|_| Unknown::Unsupported(name.to_owned()))
    };
    if let Ok(group) = name.parse::<u8>() {
        return match group {
            0 => Err(Unknown::Refused("variable `$0`".to_owned())),
            group if groups => Ok(Piece::Group(group)),
            _ => Ok(Piece::text("")),
        };
    }
    Ok(match name {
        "args" | "query_string" => Piece::Query,
        "best_http_host" | "http_host" => Piece::HostHeader,
        "host" => Piece::Host,
        "pass_access_scheme" | "scheme" => Piece::Scheme,
        "pass_port" | "pass_server_port" | "server_port" => Piece::Port,
        // The other form of an address tells the same clients apart.
        "binary_remote_addr" | "remote_addr" => Piece::ClientAddress,
        "request_method" => Piece::Method,
        "request_uri" => Piece::Target,
        "escaped_request_uri" => Piece::TargetEscaped,
        "document_uri" | "uri" => Piece::Path,
        _ => {
            if let Some(cookie) = name.strip_prefix("cookie_") {
                Piece::Cookie(cookie.into())
            } else if let Some(parameter) = name.strip_prefix("arg_") {
                Piece::Parameter(parameter.into())
            } else if let Some(name) = name.strip_prefix("http_") {
                header(name)?
            } else if OTHERS.contains(&name)
                || OF_LOCATION.contains(&name)
                || name.starts_with("sent_http_")
                || name.starts_with("upstream_http_")
            {
                return Err(Unknown::Unsupported(name.to_owned()));
            } else {
                return Err(Unknown::Refused(format!("variable `${name}`")));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_become_pieces() {
        let shown = |text| template(text, true).unwrap().to_string();
        assert_eq!(shown("/$1/x${host}y$request_uri"), "/$1/x{host}y{target}");
        assert_eq!(shown("$http_x_real_ip$arg_k"), "{header x-real-ip}{parameter k}");
        assert_eq!(shown("/$12"), "/$12");
        assert_eq!(shown("plain"), "plain");
        assert_eq!(template("/$", true), Err(Unknown::Refused("a lone `$`".to_owned())));
        assert_eq!(template("$foo", true), Err(Unknown::Refused("variable `$foo`".to_owned())));
        assert_eq!(template("$request_id", true), Err(Unknown::Unsupported("request_id".to_owned())));
        assert_eq!(template("/$1", false).unwrap().to_string(), "/");
        assert_eq!(shown("/start?rd=$escaped_request_uri"), "/start?rd={target, escaped}");
    }

    #[test]
    fn a_location_tells_its_own_variables() {
        let place = |name: &str| (name == "service_name").then(|| Piece::text("web"));
        assert_eq!(template_with("$service_name.$host", false, place).unwrap().to_string(), "web.{host}");
        let unknown = Unknown::Unsupported("service_name".to_owned());
        assert_eq!(template("$service_name", false), Err(unknown));
    }
}
