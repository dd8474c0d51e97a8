//! Less of a set, to find what a difference is about.

use k8s_openapi::api::networking::v1::Ingress;

use crate::objects::ObjectSet;

impl ObjectSet {
    /// The same set with something left out, most first: an object, a rule, a path, an annotation, TLS, a
    /// default backend.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let (mut objects, mut parts) = (Vec::new(), Vec::new());
        for number in 0..self.ingresses.len() {
            let mut fewer = self.clone();
            fewer.ingresses.remove(number);
            objects.push(fewer);
            for ingress in without_a_part(&self.ingresses[number]) {
                let mut fewer = self.clone();
                fewer.ingresses[number] = ingress;
                parts.push(fewer);
            }
        }
        objects.append(&mut parts);
        objects
    }
}

fn without_a_part(ingress: &Ingress) -> Vec<Ingress> {
    let mut found = Vec::new();
    let mut without = |change: &dyn Fn(&mut Ingress)| {
        let mut smaller = ingress.clone();
        change(&mut smaller);
        if smaller != *ingress {
            found.push(smaller);
        }
    };
    let spec = ingress.spec.clone().unwrap_or_default();
    let rules = spec.rules.unwrap_or_default();
    for (at, rule) in rules.iter().enumerate() {
        without(&|smaller| {
            smaller.spec.iter_mut().flat_map(|spec| &mut spec.rules).for_each(|rules| {
                rules.remove(at);
            });
        });
        for path in 0..rule.http.as_ref().map_or(0, |http| http.paths.len()) {
            without(&|smaller| {
                let mut rules = smaller.spec.iter_mut().flat_map(|spec| spec.rules.iter_mut().flatten());
                let paths = rules.nth(at).and_then(|rule| rule.http.as_mut()).map(|http| &mut http.paths);
                if let Some(paths) = paths.filter(|paths| paths.len() > 1) {
                    paths.remove(path);
                }
            });
        }
    }
    for name in ingress.metadata.annotations.iter().flat_map(|annotations| annotations.keys()) {
        without(&|smaller| {
            smaller.metadata.annotations.as_mut().and_then(|annotations| annotations.remove(name));
        });
    }
    without(&|smaller| smaller.spec.iter_mut().for_each(|spec| spec.tls = None));
    without(&|smaller| smaller.spec.iter_mut().for_each(|spec| spec.default_backend = None));
    found
}
