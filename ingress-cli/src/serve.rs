//! `ingress serve`: a server made of the table, the layers around it, and some sockets.
//!
//! One thread is in control: it reads files, compiles, publishes, and hears signals ([`control`]). Others
//! accept connections and serve them by what is published ([`worker`], [`threads`]). One more answers those
//! who watch ([`admin`]). They share nothing but what is published, and the phase that they are in.
//!
//! What a request goes through is put together in [`stack`], and nowhere else.

mod admin;
mod announce;
mod certificates;
mod config;
mod control;
mod counts;
mod echo;
mod facts;
mod input;
mod listen;
mod log;
mod phase;
mod place;
mod published;
mod signals;
mod span;
mod stack;
mod threads;
mod worker;

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use ingress_tower::balance::Balancer;
use ingress_tower::proxy_protocol::ProxyProtocol;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

pub(crate) use place::Place;
pub(crate) use span::Span;

use admin::Admin;
use announce::Addresses;
use certificates::Certificates;
use config::Config;
use control::Control;
use input::Input;
use listen::{Listener, Sharing, listen};
use phase::Conductor;
use published::Published;
use threads::Threads;
use worker::{Door, Front};

use crate::args::ServeArgs;
use crate::manifest::Manifests;
use crate::output::{Output, Status};
use crate::session::report_errors;
use crate::settings::Settings;

/// Where it listens when nothing is said: on loopback, in both families.
const HTTP: u16 = 8080;
const HTTPS: u16 = 8443;
const ADMIN: u16 = 8090;

/// How many connections there may be, when nothing is said.
const CONNECTIONS: u32 = 65_536;

/// How long is waited for what is under way when it is to end, when nothing is said.
const DRAIN: Duration = Duration::from_secs(30);

/// How long a TLS handshake may take, when nothing is said.
const HANDSHAKE: Duration = Duration::from_secs(10);

pub(crate) fn run(args: &ServeArgs, output: &mut Output) -> io::Result<Status> {
    let config = match args.config.as_deref().map(Config::read).transpose() {
        Ok(config) => config.unwrap_or_default(),
        Err(errors) => {
            report_errors(&errors, output);
            return Ok(Status::Usage);
        }
    };
    let started = match serve(args, &config, output) {
        Ok(started) => started,
        Err(Refused::Because(message)) => {
            output.error(message);
            return Ok(Status::Usage);
        }
        Err(Refused::Status(status)) => return Ok(status),
        Err(Refused::Output(error)) => return Err(error),
    };
    Ok(started)
}

/// Why it does not serve.
enum Refused {
    Because(String),
    /// It has been said why.
    Status(Status),
    Output(io::Error),
}

impl From<String> for Refused {
    fn from(message: String) -> Self {
        Self::Because(message)
    }
}

fn serve(args: &ServeArgs, config: &Config, output: &mut Output) -> Result<Status, Refused> {
    let format = args.log.or(config.log.format).unwrap_or_default();
    log::start(format, config.log.levels.as_deref(), output)?;
    let mut settings = Settings::from(&args.input.reading);
    settings.default_certificate = args
        .default_certificate()
        .or_else(|| config.tls.default_certificate.as_ref().map(|secret| secret.0.clone()));
    settings.dialect(&Manifests::default())?;

    let threads = Threads {
        count: usize::from(args.workers.or(config.workers.threads).unwrap_or_else(cores)).max(1),
        apart: args.per_core || config.workers.per_core,
    };
    let sharing =
        Sharing { sockets: threads.sockets(), with_others: args.reuse_port || config.listen.reuse_port };
    let http = listen(first(&args.http, &config.listen.http, HTTP).as_ref(), "--http", sharing)?;
    let https = listen(first(&args.https, &config.listen.https, HTTPS).as_ref(), "--https", sharing)?;
    if http.is_empty() && https.is_empty() {
        return Err("there is nowhere to listen for requests: --http and --https are off".to_owned().into());
    }
    let one = Sharing { sockets: 1, ..sharing };
    let admin = listen(first(&args.admin, &config.admin.listen, ADMIN).as_ref(), "--admin", one)?;
    let addresses = Addresses { http: all(&http), https: all(&https), admin: all(&admin) };

    let published = Arc::new(Published { echo: args.echo, ..Published::default() });
    let (conductor, phases) = Conductor::new();
    let (events, heard) = mpsc::channel();
    // Before anything is read: whoever watches sees that it is alive, and not yet ready.
    Admin::new(published.clone(), &config.admin.hosts)
        .start(admin, phases.clone(), &events)
        .map_err(|error| format!("the admin listener cannot be served: {error}"))?;

    let mut control = Control {
        input: Input::new(args.input.filename.clone(), settings),
        certificates: Certificates::new(published.certificates.clone()),
        published: published.clone(),
        conductor,
        drain: args.drain.or(config.drain).map_or(DRAIN, |span| span.0),
        until: None,
        known: BTreeSet::new(),
        output,
    };
    let facts = control.load().ok_or(Refused::Status(Status::Usage))?;
    if facts.files == 0 && facts.unreadable > 0 {
        return Err(Refused::Status(Status::Unreadable));
    }

    let tls = if https.is_empty() { None } else { Some(control.certificates.server(&published)?) };
    let doors = doors(http, https, tls.map(|config| TlsAcceptor::from(Arc::new(config))).as_ref(), threads);
    let workers = doors.len();
    let connections = config.listen.connections.unwrap_or(CONNECTIONS);
    let front = Front {
        server: config.client.server(),
        proxy_protocol: proxy_protocol(args, config),
        handshake_timeout: config.tls.handshake_timeout.map_or(HANDSHAKE, |span| span.0),
        places: Arc::new(Semaphore::new(
            usize::try_from(connections).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS),
        )),
        published: published.clone(),
    };
    let proxy = || config.upstream.proxy(&config.forwarding);
    let believed = || config.forwarding.forwarding();
    let started = if args.echo {
        threads.start(doors, &front, &phases, &events, || stack::echoing(&published, proxy(), believed()))
    } else {
        let balancer = Balancer::new(published.table.clone());
        threads.start(doors, &front, &phases, &events, || {
            stack::forwarding(&published, balancer.clone(), proxy(), believed())
        })
    };
    started.map_err(|error| format!("no threads to serve with: {error}"))?;
    drop(events);

    control.until = args.until.map(|span| Instant::now() + span.0);
    announce::started(&addresses, &facts, args.echo, control.output).map_err(Refused::Output)?;
    announce::findings(&facts, &mut control.known, control.output);
    control.run(&heard, workers);
    Ok(Status::Done)
}

/// The first of these that says anything.
fn first(args: &[Place], config: &[Place], default: u16) -> Vec<Place> {
    match (args, config) {
        ([], []) => vec![Place::loopback(default)],
        ([], config) => config.to_vec(),
        (args, _) => args.to_vec(),
    }
}

fn all(listeners: &[Listener]) -> Vec<SocketAddr> {
    listeners.iter().map(|listener| listener.address).collect()
}

fn cores() -> u16 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    u16::try_from(cores).unwrap_or(u16::MAX)
}

fn proxy_protocol(args: &ServeArgs, config: &Config) -> ProxyProtocol {
    match &config.listen.proxy_protocol {
        _ if !args.proxy_protocol.is_empty() => ProxyProtocol::required(args.proxy_protocol.iter().copied()),
        Some(proxied) => proxied.protocol(),
        None => ProxyProtocol::off(),
    }
}

/// The doors of each worker: a socket of every listener.
fn doors(
    http: Vec<Listener>,
    https: Vec<Listener>,
    tls: Option<&TlsAcceptor>,
    threads: Threads,
) -> Vec<Vec<Door>> {
    let mut doors: Vec<Vec<Door>> = Vec::new();
    doors.resize_with(threads.sockets(), Vec::new);
    let plain = http.into_iter().map(|listener| (listener, None));
    for (listener, tls) in plain.chain(https.into_iter().map(|listener| (listener, tls))) {
        for (doors, socket) in doors.iter_mut().zip(listener.sockets) {
            doors.push(Door { socket, tls: tls.cloned() });
        }
    }
    doors
}
