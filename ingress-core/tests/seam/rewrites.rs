//! Rewrites, and what goes on to the upstream.

use ingress_core::dialect::{Contributions, Semantics};
use ingress_core::rule::Rewrite;
use ingress_core::{Ingress, RequestHead, RouteTable};

use crate::closures::{ask, dialect, exact, host, prefix, regex, to};

#[expect(clippy::unwrap_used, reason = "a helper of tests")]
fn upstream(table: &RouteTable, target: &str) -> String {
    let request = RequestHead::new("a.example", target);
    ask(table, &request);
    let hit = table.lookup(&request).matched().unwrap();
    let sent = hit.upstream(&request);
    match hit.changed_upstream(&request) {
        Ok(None) => assert_eq!(sent.as_ref().unwrap(), target, "what did not change goes on as it came"),
        changed => assert_eq!(changed, sent.clone().map(Some)),
    }
    // The match on its own gives the same once the table is gone.
    assert_eq!(hit.detach().borrow().upstream(&request), sent);
    sent.map_or_else(|error| error.to_string(), |target| target.to_string())
}

#[test]
fn rewrites_with_captures() {
    let table = dialect(|_, out| {
        let at = host("a.example");
        let template = |text| Rewrite::template(text).unwrap();
        let groups = to("api", regex("/api(/|$)(.*)").ignore_case(), out).rewrite(template("/v2/$2"));
        let swap = to("swap", regex("/swap/([^/]+)/([^/]+)"), out).rewrite(template("/$2/$1?from=$0"));
        let replace = to("new", prefix("/old"), out).rewrite(Rewrite::replace_match("/new/").unwrap());
        let fixed = to("one", exact("/fixed"), out).rewrite(template("/page"));
        let broken = to("broken", regex("/broken/(.*)"), out).rewrite(template("$1"));
        for rule in [groups, swap, replace, fixed, broken, to("rest", prefix("/"), out)] {
            out.rule(&at, rule);
        }
    })
    .table();

    assert_eq!(upstream(&table, "/api/users?q=1&r=/"), "/v2/users?q=1&r=/");
    assert_eq!(upstream(&table, "/API"), "/v2/");
    assert_eq!(upstream(&table, "/swap/a/b"), "/b/a?from=/swap/a/b");
    assert_eq!(upstream(&table, "/swap/a/b?q"), "/b/a?from=/swap/a/b&q");
    assert_eq!(upstream(&table, "/old/x/y?q"), "/new/x/y?q");
    assert_eq!(upstream(&table, "/old"), "/new/");
    assert_eq!(upstream(&table, "/fixed?q"), "/page?q");
    assert_eq!(upstream(&table, "/broken/http://evil"), "the path would not start with `/`");
    // Groups are of the judged path, and what they hold stays escaped.
    assert_eq!(upstream(&table, "/x/../api/a%2Fb%20c"), "/v2/a%2Fb%20c");
}

#[test]
fn what_was_judged_goes_on_unless_the_dialect_says_otherwise() {
    let rules = |_: &Ingress, out: &mut Contributions<'_>| {
        out.rule(&host("a.example"), to("main", prefix("/b"), out));
        let rewrite = Rewrite::replace_match("/new").unwrap();
        out.rule(&host("a.example"), to("new", prefix("/c"), out).rewrite(rewrite));
    };
    let judged = dialect(rules).table();
    assert_eq!(upstream(&judged, "/a/../b/x?q=/.."), "/b/x?q=/..");
    assert_eq!(upstream(&judged, "/b/x?q=/.."), "/b/x?q=/..");
    assert_eq!(upstream(&judged, "/a/../c/x"), "/new/x");

    let received = dialect(rules).semantics(Semantics::default().with_forward_received(true)).table();
    assert_eq!(upstream(&received, "/a/../b/x?q=/.."), "/a/../b/x?q=/..");
    assert_eq!(upstream(&received, "/a/../c/x"), "/new/x");
}
