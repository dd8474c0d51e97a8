//! ingress-nginx, as it really behaves.

mod admission;
mod auth;
mod built_in;
mod canary;
mod certificates;
mod emit;
mod findings;
mod forward;
mod inspect;
mod location;
mod locations;
mod model;
mod names;
mod notes;
mod options;
mod pcre;
mod policies;
mod settings;
mod text;
mod variables;
mod vocabulary;

use std::cmp::Ordering;
use std::collections::BTreeMap;

pub(super) use settings::OPTIONS;

use self::certificates::{Certificates, Registered};
use self::emit::{Maker, Settled};
use self::locations::Layout;
use self::model::{ANY, Model, Object};
use self::names::{Name, Serves};
use self::options::Options;
use self::settings::Globals;
use super::catalog::{SettingWarning, Settings};
use super::{Assembly, CertificateChoice, Contributions, Dialect, Semantics, Whole};
use crate::diagnostic::DiagnosticKind;
use crate::dialect::{HostChoice, HostReading, Wildcards};
use crate::ingress::{ClassSelector, Ingress, Selection};
use crate::origin::{FieldPath, Origin};
use crate::path::{Fragment, PathPattern, PathReading, Step};
use crate::printable::Excerpt;
use crate::rule::{Action, Piece, Rule, Template};

/// The annotation that named the class before `spec.ingressClassName` did.
const CLASS: &str = "kubernetes.io/ingress.class";

/// The retired controller ingress-nginx, with all its surprises; they are described in
/// [`_documentation::ingress_nginx`](crate::_documentation::ingress_nginx).
///
/// ```
/// use ingress_core::dialect::{IngressNginx, catalog::Settings};
/// use ingress_core::{RequestHead, RouteTable};
/// use k8s_openapi::api::networking::v1::Ingress;
///
/// let shop: Ingress = serde_saphyr::from_str(r#"
/// metadata:
///   namespace: shop
///   name: web
///   annotations: {nginx.ingress.kubernetes.io/rewrite-target: /$2}
/// spec:
///   ingressClassName: nginx
///   rules:
///   - host: shop.example.com
///     http:
///       paths:
///       - {path: /api(/|$)(.*), pathType: ImplementationSpecific, backend: {service: {name: api, port: {number: 80}}}}
/// "#)?;
/// let (dialect, _) = IngressNginx::new(&Settings::default());
/// let (table, _) = RouteTable::compile(dialect, [&shop]);
/// let request = RequestHead::new("shop.example.com", "/API/v1?q=1");
/// let hit = table.lookup(&request).matched().expect("the host has a root");
/// assert_eq!(hit.sent_target(&request).as_deref(), Ok("/v1?q=1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct IngressNginx {
    globals: Globals,
}

impl IngressNginx {
    /// The dialect with the controller's flags and ConfigMap, and what was odd about them.
    pub fn new(settings: &Settings) -> (Self, Vec<SettingWarning>) {
        let (globals, warnings) = Globals::read(settings);
        (Self { globals }, warnings)
    }

    /// The annotations that the dialect acts on, without the controller's prefix.
    pub fn acted_on() -> impl Iterator<Item = &'static str> {
        vocabulary::ENTRIES.iter().filter(|entry| entry.lost.is_none()).map(|entry| entry.name)
    }

    /// The annotations that the dialect reads and judges as the controller does, but does not act on,
    /// without the controller's prefix; and what is lost.
    pub fn not_acted_on() -> impl Iterator<Item = (&'static str, &'static str)> {
        vocabulary::ENTRIES.iter().filter_map(|entry| Some((entry.name, entry.lost?)))
    }
}

impl Dialect for IngressNginx {
    fn name(&self) -> &'static str {
        "ingress-nginx"
    }

    fn semantics(&self) -> Semantics {
        const PATHS: PathReading =
            PathReading::new(&[Step::DecodeAll, Step::MergeSlashes, Step::DotSegments])
                .fragment(Fragment::Cut);
        Semantics::default()
            .with_choice(HostChoice::MostSpecific)
            .with_hosts(HostReading::new(Wildcards::OneLabel).lenient())
            .with_paths(PATHS)
            .with_forward_received(true)
            .with_checks(true)
    }

    fn select(&self, ingress: &Ingress, classes: &ClassSelector) -> Selection {
        let globals = &self.globals;
        let wanted = classes.wanted().unwrap_or(&globals.ingress_class);
        let controller = classes.wanted_controller().unwrap_or(&globals.controller_class);
        let taken = match (ingress.class(), ingress.annotation(CLASS)) {
            (Some(name), _) => match classes.known() {
                // The class object that the controller is usually installed with is taken to exist.
                None => name == wanted,
                Some(known) => known.iter().any(|class| {
                    class.name() == name
                        && (class.controller() == controller || globals.class_by_name && name == wanted)
                }),
            },
            (None, Some(annotation)) => annotation == wanted,
            (None, None) => globals.take_unclassed,
        };
        if taken { Selection::Taken } else { Selection::Left }
    }

    /// Those that are not acted on are reported by name, when all objects are read.
    fn acts_on(&self, annotation: &str) -> bool {
        annotation.strip_prefix(vocabulary::PREFIX).is_some_and(|name| vocabulary::find(name).is_some())
    }

    /// The older, then the *larger* `namespace/name`. What has no time counts as the oldest.
    fn compare(&self, a: &Ingress, b: &Ingress) -> Ordering {
        a.created().cmp(&b.created()).then_with(|| b.id().as_str().cmp(a.id().as_str()))
    }

    /// Nothing is said of an object by itself.
    fn expand(&self, _: &Ingress, _: &mut Contributions<'_>) {}

    fn whole(&self) -> Option<&dyn Whole> {
        Some(self)
    }
}

impl Whole for IngressNginx {
    fn assemble(&self, objects: &[&Ingress], out: &mut Assembly<'_>) {
        let globals = &self.globals;
        let mut loaded = Vec::new();
        for ingress in objects {
            if let Some(object) = self.load(ingress, out) {
                loaded.push(object);
            }
        }
        let settled: Vec<Settled> = loaded.iter().map(|object| settle(object, globals, out)).collect();
        let model = Model::build(loaded, globals, out);
        admission::check(&model, globals, out);
        if let Some(secret) = &globals.default_certificate {
            out.default_certificate(secret.clone());
        }

        let around = out.surroundings();
        let certificates = Certificates::new(&model, around);
        let registered = certificates::registered(&model, &certificates, around);
        let names = names::resolve(&model, out);
        let mut of_server: BTreeMap<&str, Vec<&Name>> = BTreeMap::new();
        for name in &names {
            if let Serves::Server(server) = &name.serves {
                of_server.entry(server).or_default().push(name);
            }
        }
        let by_expression = names.iter().any(|name| name.pattern.is_regex());
        let mut any = Vec::new();
        for (name, server) in &model.servers {
            let layout = Layout::of(server, &model);
            admission::check_layout(server, &layout, &model, out);
            for Name { pattern, text, .. } in of_server.remove(name.as_str()).unwrap_or_default() {
                let is_host = text == name;
                let coverage =
                    registered.coverage(if is_host && name != ANY { &server.pattern } else { pattern });
                let maker = Maker {
                    model: &model,
                    settled: &settled,
                    globals,
                    around,
                    default_backend: out.default_backend(),
                    server,
                    layout: &layout,
                    coverage: &coverage,
                };
                let certificate = if is_host {
                    certificates.of(name)
                } else {
                    covered(&registered, text, name, &certificates)
                };
                let rules = maker.rules();
                if pattern.is_any() {
                    any.clone_from(&rules);
                } else if pattern.as_str() == ANY && !by_expression && rules == any {
                    // Requests for it meet the same rules anyway.
                    continue;
                }
                out.host(pattern.clone(), rules, certificate);
            }
        }
        for Name { pattern, text, serves } in names {
            let Serves::WwwRedirect(to) = serves else { continue };
            let Some(server) = model.servers.get(&to) else { continue };
            let certificate = covered(&registered, &text, &to, &certificates);
            let object = server.from_to_www.and_then(|owner| model.objects.get(owner));
            let origin = object.map_or_else(Origin::configuration, |object| {
                let key = format!("{}from-to-www-redirect", vocabulary::PREFIX);
                Origin::new(object.notes.ingress().id().clone(), FieldPath::annotation(&key))
            });
            out.host(pattern, vec![www_redirect(&to, origin, globals)], certificate);
        }
    }
}

/// The certificate for another name of a server.
fn covered(
    registered: &Registered,
    text: &str,
    name: &str,
    certificates: &Certificates<'_>,
) -> CertificateChoice {
    if registered.contains(text) { certificates.of(name) } else { CertificateChoice::Inherited }
}

/// Everything on the other half of a `www` pair goes to this one; the port is always written.
fn www_redirect(to: &str, origin: Origin, globals: &Globals) -> Rule {
    let (mut scheme, mut port) = (Piece::Scheme, Piece::Port);
    if globals.forwarded_headers {
        let header = http::HeaderName::from_static;
        scheme = Piece::ListedFirst(header("x-forwarded-proto"), Box::new(scheme));
        port = Piece::ListedFirst(header("x-forwarded-port"), Box::new(port));
    }
    let host = Piece::text(&format!("://{to}:"));
    let status = http::StatusCode::from_u16(globals.redirect_code);
    let template = Template::new([scheme, host, port, Piece::TargetUnslashed]);
    let action = Action::redirect_to(status.unwrap_or(http::StatusCode::PERMANENT_REDIRECT), template);
    Rule::new(PathPattern::any(), action, origin)
}

fn settle(object: &Object<'_>, globals: &Globals, out: &mut Assembly<'_>) -> Settled {
    if object.options.canary.is_some() {
        // All other annotations of a canary are ignored.
        return Settled::default();
    }
    let auth = auth::Auth::read(&object.notes, globals, out);
    let (policies, denied) = policies::of_object(&object.notes, globals, out);
    Settled { policies, auth: auth.policies, denied: denied || auth.denied }
}

impl IngressNginx {
    /// An object with what it says, unless the controller would not load it.
    fn load<'i>(&self, ingress: &'i Ingress, out: &mut Assembly<'_>) -> Option<Object<'i>> {
        let globals = &self.globals;
        if globals.deep_inspect
            && let Some((field, text)) = inspect::offence(ingress)
        {
            let message = format!(
                "{} looks like an attack on the controller; nothing of the object is served",
                Excerpt(&text)
            );
            out.diagnose(DiagnosticKind::Dialect(&findings::DROPPED), ingress.id(), field, message);
            return None;
        }
        if globals.disable_catch_all && ingress.default_backend().is_some() {
            let message = "the controller is told to load no object with a default backend".to_owned();
            let kind = DiagnosticKind::Dialect(&findings::DROPPED);
            out.diagnose(kind, ingress.id(), FieldPath::default_backend(), message);
            return None;
        }
        let notes = notes::read(ingress, globals, out)?;
        let options = Options::read(&notes, globals, out);
        Some(Object { notes, options })
    }
}
