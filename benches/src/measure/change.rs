//! One changed Ingress in a large table, from the object to the readers.

use std::time::{Duration, Instant};

use ingress_core::dialect::Kubernetes;
use ingress_core::{Compiler, Outcome, RequestHead, SharedTable};
use k8s_openapi::api::networking::v1::{HTTPIngressPath, Ingress};

use crate::clock::Stopwatch;
use crate::objects::{backend, paths_mut};
use crate::random::Random;
use crate::workload::Workload;

/// How long one change took.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    /// The time that the writer was running.
    pub worked: Duration,
    /// The time that passed, with whatever else the machine did meanwhile.
    pub passed: Duration,
}

/// A compiler that holds a whole workload, and a stream of changes to it.
#[derive(Debug)]
pub struct Changes<'w> {
    workload: &'w Workload,
    compiler: Compiler,
    shared: SharedTable,
    random: Random,
    made: usize,
}

impl<'w> Changes<'w> {
    /// Compiles and publishes the workload.
    pub fn new(workload: &'w Workload) -> Self {
        let mut compiler = Compiler::new(Kubernetes);
        for object in workload.objects() {
            compiler.upsert(&object);
        }
        let shared = SharedTable::new(compiler.compile());
        Self { workload, compiler, shared, random: workload.random(4), made: 0 }
    }

    /// Changes the Ingress of a host drawn by chance: every other time a backend, else a path is added.
    /// The time runs from the object in hand to the new table being what readers get, and includes dropping the old
    /// table, which is the writer's work too.
    ///
    /// # Panics
    ///
    /// When readers do not get what the change says.
    pub fn make(&mut self) -> Took {
        let host = self.random.below(self.workload.hosts().len());
        self.made += 1;
        let (object, path) = self.changed(host);

        let (start, stopwatch) = (Instant::now(), Stopwatch::start());
        self.compiler.upsert(&object);
        let table = self.compiler.compile();
        drop(self.shared.publish(table));
        let took = Took { worked: stopwatch.elapsed(), passed: start.elapsed() };

        self.assert_published(host, &path);
        took
    }

    /// The Ingress of the host with the change in it, and the path that the change is seen at.
    fn changed(&self, host: usize) -> (Ingress, String) {
        let mut object = self.workload.object(host);
        let service = format!("frontend-v{}", self.made);
        let changed = HTTPIngressPath {
            path: Some(format!("/changed/{}", self.made)),
            path_type: "Exact".to_owned(),
            backend: backend(&service, 8080),
        };
        let Some(paths) = paths_mut(&mut object) else { return (object, String::new()) };
        let seen_at = match paths.first_mut() {
            Some(first) if self.made.is_multiple_of(2) => {
                first.backend = changed.backend;
                first.path.clone()
            }
            _ => {
                let path = changed.path.clone();
                paths.push(changed);
                path
            }
        };
        (object, seen_at.unwrap_or_default())
    }

    fn assert_published(&self, host: usize, path: &str) {
        let name = self.workload.hosts().get(host).map_or("", |host| host.host());
        let table = self.shared.load();
        let outcome = table.lookup(&RequestHead::new(name, path));
        let action = match outcome {
            Outcome::Matched(hit) => hit.rule().action().to_string(),
            _ => "no match".to_owned(),
        };
        assert!(action.contains(&format!("frontend-v{}:", self.made)), "{name}{path}: {action}");
    }
}
