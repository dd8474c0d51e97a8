//! What the dialect finds in objects.

use crate::diagnostic::{DialectFinding, Severity};

macro_rules! findings {
    ($($name:ident = $code:literal, $severity:ident, $help:literal;)*) => {
        $(pub(super) static $name: DialectFinding =
            DialectFinding::new($code, Severity::$severity, $help);)*
    };
}

findings! {
    DROPPED = "nginx-not-loaded", Error, "mend what is named; the controller does not load the object at all";
    DENIED = "nginx-denied", Error, "mend the annotation; until then its locations answer 503, or 403 the whole host";
    IGNORED = "nginx-bad-value", Warning, "mend the value; until then it counts as absent";
    FAILS_OPEN = "nginx-auth-off", Error, "mend the value: with it nobody is asked for anything";
    REFUSED = "nginx-refuses-configuration", Error, "mend it: nginx refuses its whole configuration over it, and no change of any object takes effect";
    NOT_ADMITTED = "nginx-not-admitted", Error, "the controller's admission webhook refuses the object; mend what is named";
    CONFLICT = "nginx-conflict", Warning, "only the older object's path counts; remove one of the two";
    EXPRESSION = "nginx-expression", Error, "write it without look-around, back-references and possessive quantifiers; until then requests that it may mean are answered with 503";
    NOT_ACTED_ON = "nginx-not-acted-on", Warning, "remove the annotation, or do without its effect";
    REGEX_HOST = "nginx-regex-host", Warning, "move the annotation to a host of its own, or write all paths of the host as expressions";
    SHARED_HOST = "nginx-shared-host", Note, "make sure that the other namespace may add paths to the host";
    CANARY = "nginx-canary", Warning, "give the canary a main rule with the same host, path and path type, and a Service of its own";
    UPSTREAM = "nginx-upstream-collision", Error, "rename a namespace or a Service: to the controller both are one upstream";
    ALIAS = "nginx-alias", Warning, "remove the alias; another host has the name";
    UNREACHABLE = "nginx-unreachable", Warning, "write the path as it is after normalisation";
    UNSUPPORTED = "nginx-unsupported", Error, "do without it; its requests are answered with 503";
}
