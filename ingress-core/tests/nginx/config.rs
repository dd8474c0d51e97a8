//! The configuration that the controller would have written, as far as it decides where a request goes.
//!
//! What the controller does in Lua is written with `map`, `if` and `return`: the redirect to https, that
//! between `www.x` and `x`, and the choice of a canary. A weight is not drawn: the answer names the split.

use std::fmt::Write as _;

use crate::controller::{CATCH_ALL, Controller, DEFAULT, Kind, Location, Server, Upstream};

/// The header in which nginx names the backend.
pub(crate) const BACKEND: &str = "X-Backend";
/// The header in which the upstream says what target it received.
pub(crate) const TARGET: &str = "X-Target";

/// What all sets share.
pub(crate) fn main(folder: &str, includes: &str) -> String {
    format!(
        r#"daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log crit;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000;
    keepalive_timeout 600s;
    large_client_header_buffers 4 8k;
    server_names_hash_bucket_size 256;
    server_names_hash_max_size 4096;
    variables_hash_bucket_size 256;
    variables_hash_max_size 16384;
    map_hash_bucket_size 256;
    port_in_redirect off;
    server_name_in_redirect off;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host echo;
    proxy_next_upstream off;
    map $http_host $redirect_host {{ "~^(?<before_port>[^:]*)" $before_port; }}
    map $request_uri $redirect_uri {{ default $request_uri; "~^(?<before_slash>.*)/\z" $before_slash; }}
    upstream echo {{ server unix:{folder}/echo.sock; keepalive 8; keepalive_requests 1000000; }}
    server {{
        listen unix:{folder}/echo.sock;
        location / {{ add_header {TARGET} $request_uri always; return 200 ""; }}
    }}
{includes}}}
"#
    )
}

/// The servers of one set, on a socket of their own.
pub(crate) fn servers(controller: &Controller, set: usize, socket: &str) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = Writer { controller, set, socket, out: &mut text }.write();
    text
}

struct Writer<'c> {
    controller: &'c Controller,
    set: usize,
    socket: &'c str,
    out: &'c mut String,
}

impl Writer<'_> {
    fn write(&mut self) -> std::fmt::Result {
        let controller = self.controller;
        self.write_certificates()?;
        for (number, upstream) in controller.upstreams.values().enumerate() {
            self.write_upstream(number, upstream)?;
        }
        for (host, server) in &controller.servers {
            let other = match host.strip_prefix("www.") {
                Some(bare) => bare.to_owned(),
                None => format!("www.{host}"),
            };
            if server.from_to_www && !controller.servers.contains_key(&other) {
                let socket = self.socket;
                writeln!(self.out, "server {{ listen unix:{socket}; server_name {other};")?;
                writeln!(self.out, "return 308 $scheme://{host}:80$redirect_uri; }}")?;
            }
        }
        for (host, server) in &controller.servers {
            self.write_server(host, server)?;
        }
        Ok(())
    }

    /// Whether there is a certificate for the name of the request, or for that with its first label
    /// replaced by `*`.
    fn write_certificates(&mut self) -> std::fmt::Result {
        writeln!(self.out, "map $host $certificate_{} {{ default \"\"; {CATCH_ALL} 1;", self.set)?;
        for (host, server) in &self.controller.servers {
            if !server.has_certificate || host == CATCH_ALL {
                continue;
            }
            writeln!(self.out, "{} 1;", quoted(host))?;
            if let Some(parent) = host.strip_prefix("*.") {
                writeln!(self.out, "\"~^[^.]+\\.{}\\z\" 1;", parent.replace('.', "\\."))?;
            }
        }
        writeln!(self.out, "}}")
    }

    fn write_upstream(&mut self, number: usize, upstream: &Upstream) -> std::fmt::Result {
        let (set, name) = (self.set, &upstream.name);
        let Some(canary) = self.controller.canary(upstream) else { return Ok(()) };
        let (policy, other) = (&canary.policy, &canary.name);
        // A map compares texts without case; its expressions compare with it.
        let exactly = |value: &str| quoted(&format!("~\\A\\Q{value}\\E\\z"));
        let header = format!("$by_header_{set}_{number}");
        let source = |prefix: &str, name: &str| match name {
            "" => "\"\"".to_owned(),
            name => format!("${prefix}_{}", name.to_ascii_lowercase().replace('-', "_")),
        };
        writeln!(self.out, "map {} {header} {{ default \"\";", source("http", &policy.header))?;
        if !policy.header_value.is_empty() {
            writeln!(self.out, "{} canary;", exactly(&policy.header_value))?;
        } else if !policy.header_pattern.is_empty() {
            // What is not there does not match an expression, not even one that matches nothing.
            writeln!(self.out, "\"\" \"\"; {} canary;", quoted(&format!("~{}", policy.header_pattern)))?;
        } else {
            writeln!(self.out, "{} canary; {} primary;", exactly("always"), exactly("never"))?;
        }
        writeln!(self.out, "}}")?;
        let cookie = format!("$by_cookie_{set}_{number}");
        writeln!(self.out, "map {} {cookie} {{ default \"\";", source("cookie", &policy.cookie))?;
        writeln!(self.out, "{} canary; {} primary; }}", exactly("always"), exactly("never"))?;

        let drawn = match policy.weight {
            ..=0 => name.clone(),
            weight if weight >= policy.total => other.clone(),
            weight => format!("{weight}/{} {other}, else {name}", policy.total),
        };
        writeln!(self.out, "map \"{header}{cookie}\" $backend_{set}_{number} {{ default \"{drawn}\";")?;
        writeln!(self.out, "\"~^canary\" \"{other}\"; \"~^primary\" \"{name}\"; }}")
    }

    fn write_server(&mut self, host: &str, server: &Server) -> std::fmt::Result {
        let default = if host == CATCH_ALL { " default_server" } else { "" };
        let names = match host.strip_prefix("*.") {
            Some(parent) => format!("~^(?<subdomain>[\\w-]+)\\.{}$", parent.replace('.', "\\.")),
            None => host.to_owned(),
        };
        let aliases: Vec<_> = server.aliases.iter().map(|alias| quoted(alias)).collect();
        writeln!(self.out, "server {{ listen unix:{}{default};", self.socket)?;
        writeln!(self.out, "server_name {names} {};", aliases.join(" "))?;
        for root in server.locations.iter().map(|location| &location.options.app_root) {
            if !root.is_empty() {
                writeln!(self.out, "if ($uri = /) {{ return 302 $scheme://$http_host{root}; }}")?;
            }
        }
        for location in &server.locations {
            self.write_location(location, server.is_regex())?;
        }
        if host == CATCH_ALL {
            writeln!(self.out, "location /healthz {{ return 200; }}")?;
            writeln!(self.out, "location /nginx_status {{ allow 127.0.0.1; deny all; stub_status on; }}")?;
        }
        writeln!(self.out, "}}")
    }

    fn write_location(&mut self, location: &Location, regex: bool) -> std::fmt::Result {
        let path = &location.path;
        let head = match (regex, location.kind) {
            (true, _) => format!("~* {}", quoted(&format!("^{path}"))),
            (false, Kind::Exact) => format!("= {}", quoted(path)),
            (false, Kind::Prefix) => quoted(path),
        };
        writeln!(self.out, "location {head} {{")?;
        self.write_body(location)?;
        writeln!(self.out, "}}")
    }

    fn write_body(&mut self, location: &Location) -> std::fmt::Result {
        let options = &location.options;
        if options.denied {
            return writeln!(self.out, "return 503;");
        }
        if options.relative_redirects {
            writeln!(self.out, "absolute_redirect off;")?;
        }
        if let Some((status, url)) = &options.redirect {
            writeln!(self.out, "return {status} {url};")?;
        }
        let target = &options.rewrite_target;
        let rewrite = format!("rewrite {} {target} break;", quoted(&format!("(?i){}", location.path)));
        let elsewhere = ["http://", "https://", "$scheme"].iter().any(|start| target.starts_with(start));
        if location.needs_rewrite() && elsewhere {
            writeln!(self.out, "{rewrite}")?;
        }
        let exempt = location.path.starts_with("/.well-known/acme-challenge");
        if !exempt && (options.force_ssl_redirect || options.ssl_redirect) {
            let uri = if options.preserve_trailing_slash { "$request_uri" } else { "$redirect_uri" };
            let redirect = format!("return 308 https://$redirect_host{uri};");
            match options.force_ssl_redirect {
                true => writeln!(self.out, "{redirect}")?,
                false => writeln!(self.out, "if ($certificate_{}) {{ {redirect} }}", self.set)?,
            }
        }
        if location.needs_rewrite() && !elsewhere {
            writeln!(self.out, "{rewrite}")?;
        }
        let upstreams = &mut self.controller.upstreams.iter().enumerate();
        let backend = match upstreams.find(|(_, (key, _))| **key == location.upstream) {
            Some((number, (_, upstream))) if self.controller.canary(upstream).is_some() => {
                format!("$backend_{}_{number}", self.set)
            }
            Some((_, (_, upstream))) => upstream.name.clone(),
            None => {
                if location.upstream != DEFAULT {
                    // It went away with a canary.
                    writeln!(self.out, "return 503;")?;
                }
                self.controller.default_backend.clone()
            }
        };
        writeln!(self.out, "add_header {BACKEND} \"{backend}\" always; proxy_pass http://echo;")
    }
}

/// A text as one word of nginx's configuration.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
