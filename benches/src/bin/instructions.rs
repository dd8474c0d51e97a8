//! Counts the instructions of one lookup on M, with callgrind; and those of the layer and of a pick.
//!
//! Time on a shared machine varies by a third from run to run; the number of instructions does not vary at all.
//! So it is what a change is held against: `cargo run --profile bench -p ingress-benches --bin instructions
//! -- --check` fails when a lookup takes more than the bound, or 5% more than the count last written down.
//!
//! The program runs itself twice under valgrind, once with twice as many lookups. Building the table and the
//! requests cancels out in the difference.

use std::hint::black_box;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::{env, fs};

use ingress_benches::middleware::{Form, Middleware, Picks, Way};
use ingress_benches::race::sum_of_answers;
use ingress_benches::router::{
    Ours, PathTree, PerHost, Router, SortedList, Wayfind, Yardstick, assert_agrees,
};
use ingress_benches::{Access, Requests, SEED, Shape, Workload};

/// What a lookup should take at most.
const MAX: f64 = 480.0;

/// How much more than the count written down it may be before somebody has to say why.
const SLACK: f64 = 1.05;

/// Requests per pass; the two runs make one and two passes.
const REQUESTS: usize = 100_000;

const USAGE: &str = "usage: instructions [--check | --write | --peers | --layer]
  (nothing)  count and print
  --check    fail when the count is over the bound or over the stored count and 5%
  --write    store the count in benches/instructions.txt
  --peers    count the peers as well
  --layer    count what the layer adds to a call, and what a pick takes";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["--layer"] => layer(),
        ["--passes", passes, what] => run(what, passes.parse().unwrap_or(1)).map(|_| ExitCode::SUCCESS),
        [] => count(Ours::NAME).map(|_| ExitCode::SUCCESS),
        ["--check"] => check(),
        ["--write"] => write(),
        ["--peers"] => peers(),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    done.unwrap_or_else(|error| {
        if error.kind() == ErrorKind::NotFound {
            eprintln!("SKIPPED: valgrind is not installed, no instructions were counted ({error})");
            return ExitCode::SUCCESS;
        }
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

fn stored() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.txt")
}

fn check() -> io::Result<ExitCode> {
    let counted = count(Ours::NAME)?;
    let before: f64 = fs::read_to_string(stored())
        .and_then(|text| text.trim().parse().map_err(io::Error::other))
        .map_err(|error| io::Error::other(format!("benches/instructions.txt: {error}")))?;
    let most = MAX.min(before * SLACK);
    if counted > most {
        eprintln!(
            "FAIL: {counted:.1} instructions per lookup, at most {most:.1} allowed (bound {MAX}, stored {before})"
        );
        if counted <= MAX {
            eprintln!(
                "If the growth is worth it: --write stores the new count, the commit says what was bought."
            );
        }
        return Ok(ExitCode::FAILURE);
    }
    println!("ok: at most {most:.1} allowed (bound {MAX}, stored {before})");
    Ok(ExitCode::SUCCESS)
}

fn write() -> io::Result<ExitCode> {
    let counted = count(Ours::NAME)?;
    fs::write(stored(), format!("{counted:.1}\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn peers() -> io::Result<ExitCode> {
    for name in NAMES {
        count(name)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn layer() -> io::Result<ExitCode> {
    for form in Form::ALL {
        let bare = per_pass(&subject(Way::Bare, form))?;
        for way in [Way::Lookup, Way::Layer, Way::Beside] {
            let added = per_pass(&subject(way, form))? - bare;
            println!("{}, {}: {added:.1} instructions more than without", way.name(), form.name());
        }
    }
    for (name, _) in Picks::policies() {
        println!("a pick, {name}: {:.1} instructions with its end", per_pass(name)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn subject(way: Way, form: Form) -> String {
    format!("{}, {}", way.name(), form.name())
}

/// Instructions per lookup of the router with that name.
fn count(router: &str) -> io::Result<f64> {
    let counted = per_pass(router)?;
    println!("{router}: {counted:.1} instructions per lookup on M, Zipf");
    Ok(counted)
}

/// Instructions that each request of a pass takes.
fn per_pass(what: &str) -> io::Result<f64> {
    // No pass at all, and not under valgrind: only the check that the answers are right.
    let requests = run(what, 0)?;
    let (one, two) = (total(what, 1)?, total(what, 2)?);
    Ok(two.saturating_sub(one) as f64 / requests.max(1) as f64)
}

/// Instructions of a whole run with so many passes.
fn total(router: &str, passes: u32) -> io::Result<u64> {
    let out = env::temp_dir().join(format!("ingress-callgrind-{}-{passes}.out", std::process::id()));
    let finished = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env::current_exe().map_err(io::Error::other)?)
        .args(["--passes", &passes.to_string(), router])
        .stdout(Stdio::null())
        .output()?;
    if !finished.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&finished.stderr).into_owned()));
    }
    let profile = fs::read_to_string(&out).map_err(io::Error::other)?;
    fs::remove_file(&out).map_err(io::Error::other)?;
    let totals = ["totals: ", "summary: "];
    let line =
        profile.lines().rev().find_map(|line| totals.iter().find_map(|start| line.strip_prefix(start)));
    line.and_then(|count| count.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| io::Error::other("no total in what callgrind wrote"))
}

const NAMES: [&str; 5] = [
    Ours::NAME,
    <Yardstick as Router>::NAME,
    <PerHost<Wayfind> as Router>::NAME,
    <PerHost<PathTree> as Router>::NAME,
    <PerHost<SortedList> as Router>::NAME,
];

/// What runs under valgrind. Says how many requests a pass has.
fn run(what: &str, passes: u32) -> io::Result<usize> {
    Ok(match NAMES.iter().position(|name| *name == what) {
        Some(0) => look_up::<Ours>(passes),
        Some(1) => look_up::<Yardstick>(passes),
        Some(2) => look_up::<PerHost<Wayfind>>(passes),
        Some(3) => look_up::<PerHost<PathTree>>(passes),
        Some(4) => look_up::<PerHost<SortedList>>(passes),
        _ => call(what, passes)
            .or_else(|| pick(what, passes))
            .ok_or_else(|| io::Error::other(format!("nothing is called {what}")))?,
    })
}

/// A way through the layer.
fn call(what: &str, passes: u32) -> Option<usize> {
    let mut all = Way::ALL.into_iter().flat_map(|way| Form::ALL.map(|form| (way, form)));
    let (way, form) = all.find(|(way, form)| subject(*way, *form) == what)?;
    let middleware = middleware();
    if passes == 0 {
        middleware.assert_agrees(form);
    }
    for _ in 0..passes {
        middleware.pass(way, form);
    }
    Some(middleware.services().len())
}

/// A policy of the balancer.
fn pick(what: &str, passes: u32) -> Option<usize> {
    let (_, policy) = Picks::policies().into_iter().find(|(name, _)| *name == what)?;
    let services = middleware().services();
    let count = services.len();
    let picks = Picks::new(services);
    let balancer = picks.balancer(policy);
    picks.assert_agrees(&balancer);
    for _ in 0..passes {
        picks.pass(&balancer);
    }
    Some(count)
}

fn middleware() -> Middleware {
    let workload = Workload::new(Shape::M, SEED);
    Middleware::new(&workload, &Requests::new(&workload, Access::Zipf, REQUESTS))
}

fn look_up<R: Router>(passes: u32) -> usize {
    let workload = Workload::new(Shape::M, SEED);
    let requests = Requests::new(&workload, Access::Zipf, REQUESTS);
    let router = R::build(&workload);
    if passes == 0 {
        assert_agrees(&router, &workload, &requests);
    }
    let heads = requests.heads();
    for _ in 0..passes {
        black_box(sum_of_answers(|head| router.find(head.host, head.path), &heads));
    }
    heads.len()
}
