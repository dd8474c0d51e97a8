//! How a controller reads Ingress objects.
//!
//! A dialect decides three things and nothing else: which rules an object makes
//! ([`Dialect::expand`]), in which order the rules of one host stand ([`Dialect::arrange`]), and how
//! requests are read ([`Dialect::semantics`]). Indexes, lookup and table know no dialect.

pub mod annotations;
pub mod catalog;
mod contributions;
mod host_rules;
mod kubernetes;
mod nginx;
mod surroundings;
mod whole;

use std::cmp::Ordering;
use std::fmt;

pub use contributions::Contributions;
pub(crate) use contributions::{Contribution, ContributionsByHost};
pub use host_rules::{Draft, HostRules};
pub use kubernetes::Kubernetes;
pub use nginx::IngressNginx;
pub use surroundings::{Known, SecretFacts, Surroundings};
pub(crate) use whole::AssembledHost;
pub use whole::{Assembly, CertificateChoice, Whole};

use crate::endpoint::EndpointReading;
use crate::ingress::{ClassSelector, Ingress, Selection};
pub use crate::table::{HostChoice, HostReading, Semantics, Wildcards};

/// A controller's reading of Ingress objects.
///
/// Implement it to add a controller, in your own crate if you like; `examples/custom_dialect.rs`
/// does. Methods must be pure: the same objects give the same rules, and nothing is kept between
/// calls. Only used while compiling.
pub trait Dialect: fmt::Debug + Send + Sync + 'static {
    /// A short name, such as `kubernetes`.
    fn name(&self) -> &'static str;

    /// How requests are read.
    fn semantics(&self) -> Semantics {
        Semantics::default()
    }

    /// Whether an object is ours.
    fn select(&self, ingress: &Ingress, classes: &ClassSelector) -> Selection {
        classes.select(ingress)
    }

    /// Which of two objects goes first where only one can have its way: certificates, default
    /// backends, equal rules. The older, then the smaller `namespace/name`; an object without a
    /// creation time counts as the youngest.
    fn compare(&self, a: &Ingress, b: &Ingress) -> Ordering {
        let age = |ingress: &Ingress| (ingress.created().is_none(), ingress.created());
        age(a).cmp(&age(b)).then_with(|| a.id().cmp(b.id()))
    }

    /// Whether this dialect gives an annotation of a known controller its meaning, or has no need to,
    /// since it changes nothing that a table knows. All others of [`annotations`] that an object has are
    /// reported as ignored, each with the effect that is lost.
    fn acts_on(&self, annotation: &str) -> bool {
        let _ = annotation;
        false
    }

    /// What one object adds to the table. Called once for each change of the object.
    fn expand(&self, ingress: &Ingress, out: &mut Contributions<'_>);

    /// How Services and their endpoints are read: by default as the cluster itself reads them.
    fn endpoints(&self) -> EndpointReading {
        EndpointReading::default()
    }

    /// The reading of all objects at once, for dialects that have one. Then neither
    /// [`expand`](Self::expand) nor [`arrange`](Self::arrange) is asked.
    fn whole(&self) -> Option<&dyn Whole> {
        None
    }

    /// Puts the rules of one host in order, and may change or drop them: this is where rules of
    /// different objects meet. They come in the order of their objects, then of their lines.
    fn arrange(&self, host: &mut HostRules<'_>) {
        host.sort_by_specificity();
    }
}

impl<D: Dialect + ?Sized> Dialect for Box<D> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn semantics(&self) -> Semantics {
        (**self).semantics()
    }

    fn select(&self, ingress: &Ingress, classes: &ClassSelector) -> Selection {
        (**self).select(ingress, classes)
    }

    fn compare(&self, a: &Ingress, b: &Ingress) -> Ordering {
        (**self).compare(a, b)
    }

    fn acts_on(&self, annotation: &str) -> bool {
        (**self).acts_on(annotation)
    }

    fn expand(&self, ingress: &Ingress, out: &mut Contributions<'_>) {
        (**self).expand(ingress, out);
    }

    fn arrange(&self, host: &mut HostRules<'_>) {
        (**self).arrange(host);
    }

    fn endpoints(&self) -> EndpointReading {
        (**self).endpoints()
    }

    fn whole(&self) -> Option<&dyn Whole> {
        (**self).whole()
    }
}
