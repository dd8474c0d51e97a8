//! Measures everything in one run and writes RESULTS.md and RESULTS.svg beside this crate's manifest.
//!
//! `cargo run --profile bench -p ingress-benches --bin results [-- --quick]`

use std::alloc::System;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs, io};

use ingress_benches::measure::{
    Changes, ENGINES, Sharing, Took, Tried, Tries, compile_time, peer_build_time, sharing,
};
use ingress_benches::race::Effort;
use ingress_benches::report::{Bar, EXPRESSION_BARS, LOOKUP_BARS, Machine, Plot, Series, Table, bar_of};
use ingress_benches::router::{PathTree, PerHost, SortedList, Wayfind, Yardstick};
use ingress_benches::statistics::{Sorted, median};
use ingress_benches::{Access, Contest, Plan, ROUTERS, Requests, SEED, Shape, Workload};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> io::Result<()> {
    let quick = env::args().any(|argument| argument == "--quick");
    let effort = if quick { Effort::QUICK } else { Effort::FULL };
    let results = Results::measure(Plan { heap: HEAP, effort, quick });
    fs::write(beside("RESULTS.svg"), results.plot().to_string())?;
    fs::write(beside("RESULTS.md"), results.document(&Machine::look()))?;
    eprintln!("\n{}", results.summary());
    Ok(())
}

fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Everything that was measured.
struct Results {
    quick: bool,
    contests: Vec<Contest>,
    /// Sizes between the workloads, for the plot only.
    sizes: Vec<Contest>,
    /// Seconds to build a million rules, by name.
    builds: Vec<(&'static str, f64)>,
    /// Microseconds of work per change.
    changes: Sorted,
    /// The same as time that passed.
    changes_passed: Sorted,
    sharing: Sharing,
    /// What short lists and rosters are held against.
    tries: Vec<Tries>,
    /// Hosts of expressions.
    expressions: Vec<Tried>,
}

impl Results {
    fn measure(plan: Plan) -> Self {
        let mut say = |what: &str| eprintln!("{what}");
        let both = [Access::Zipf, Access::Uniform];
        let contests = [Shape::S, Shape::M, Shape::L, Shape::X, Shape::W]
            .map(|shape| Contest::run(shape, &both, &plan, &mut say))
            .to_vec();
        let sizes = [("10", 1), ("100", 10), ("10k", 1_000)]
            .map(|(name, hosts)| {
                Contest::run(Shape::plain(name, hosts, 10), &[Access::Zipf], &plan, &mut say)
            })
            .to_vec();

        let million = Workload::new(Shape::L, SEED);
        let repeats = if plan.quick { 1 } else { 5 };
        let builds = builds(&million, repeats);
        say(&format!("build of 1,000,000 rules: {builds:?}"));

        let count = if plan.quick { 500 } else { 5_000 };
        let mut stream = Changes::new(&million);
        let took: Vec<Took> = (0..count).map(|_| stream.make()).collect();
        drop(stream);
        let microseconds = |time: Duration| time.as_nanos() as f64 / 1e3;
        let changes = Sorted::new(took.iter().map(|took| microseconds(took.worked)));
        let changes_passed = Sorted::new(took.iter().map(|took| microseconds(took.passed)));
        say(&format!("change: median {:.1} us, p99 {:.1} us", changes.quantile(0.5), changes.quantile(0.99)));

        let small = Workload::new(Shape::S, SEED);
        let requests = Requests::new(&small, Access::Zipf, 100_000);
        let sharing = sharing(&small, &requests, plan.effort);
        say(&format!("{sharing:?}"));
        let tries = [Shape::S, Shape::M, Shape::X, Shape::W]
            .into_iter()
            .filter_map(|shape| Tries::measure(&Workload::new(shape, SEED), plan.effort))
            .collect();
        say(&format!("{tries:?}"));
        let expressions = [50, 500].map(|count| Tried::measure(count, plan.heap, plan.effort)).to_vec();
        say(&format!("{expressions:?}"));
        Self {
            quick: plan.quick,
            contests,
            sizes,
            builds,
            changes,
            changes_passed,
            sharing,
            tries,
            expressions,
        }
    }

    fn contest(&self, workload: &str) -> Option<&Contest> {
        self.contests.iter().find(|contest| contest.workload == workload)
    }

    /// Every bound and the figure that has to stay under it.
    fn bars(&self) -> Vec<Bar> {
        let mut bars = Vec::new();
        for bar in LOOKUP_BARS {
            let Some(ratio) = self.contest(bar.workload).and_then(|contest| contest.ratio(bar.access)) else {
                continue;
            };
            let what = format!("lookup on {}, {}: ours / matchit", bar.workload, bar.access.name());
            bars.push(Bar { what, value: ratio, done: bar.done, goal: Some(bar.goal), unit: "", digits: 2 });
        }
        let mut bar =
            |what: &str, value: f64, done: f64, goal: Option<f64>, unit: &'static str, digits: usize| {
                bars.push(Bar { what: what.to_owned(), value, done, goal, unit, digits });
            };
        if let Some(count) = instructions() {
            bar("instructions per lookup on M", count, 480.0, None, "", 0);
        }
        let allocations = self.contests.iter().map(|contest| contest.allocations).fold(0.0, f64::max);
        bar("allocations per lookup, all workloads", allocations, 0.0, None, "", 0);
        for (tried, done) in self.expressions.iter().zip(EXPRESSION_BARS) {
            let what = format!("lookup among {} expressions: ours / PCRE2-JIT one by one", tried.count);
            bar(&what, tried.ratio().unwrap_or(f64::INFINITY), done, None, "", 3);
            let what = format!("allocations per lookup among {} expressions", tried.count);
            bar(&what, tried.allocations, 0.0, None, "", 0);
        }
        if let Some(most) = self.expressions.last() {
            let what = format!("building {} expressions", most.count);
            bar(&what, most.build().unwrap_or(f64::INFINITY), 60.0, None, " ms", 1);
        }
        if let Some(large) = self.contest("L") {
            let per_rule = |bytes: usize| bytes as f64 / large.rules as f64;
            bar("index memory per rule on L", per_rule(large.usage.0), 48.0, None, " B", 1);
            // Whichever is more: a table may not pass by forgetting some of what it holds.
            let whole = large.held.first().copied().unwrap_or_default().max(large.usage.1);
            bar("table memory per rule on L", per_rule(whole), 256.0, None, " B", 1);
        }
        if let Some(&(_, seconds)) = self.builds.first() {
            bar("1,000,000 rules from Kubernetes objects", seconds, 3.0, None, " s", 2);
        }
        let p99 = self.changes.quantile(0.99);
        bar("one change among 100,000 hosts, p99", p99, 1_000.0, Some(60.0), " us", 1);
        let extra = self.sharing.shared - self.sharing.plain;
        bar("`SharedTable` over a plain reference", extra, 25.0, None, " ns", 1);
        bars
    }

    fn summary(&self) -> Table {
        let mut table = Table::new(["what", "measured", "done when", "goal", "verdict"]);
        self.bars().iter().for_each(|bar| table.row(bar.cells()));
        table
    }

    fn document(&self, machine: &Machine) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = self.write(&mut text, machine);
        text
    }

    fn write(&self, out: &mut String, machine: &Machine) -> std::fmt::Result {
        writeln!(out, "# Results\n")?;
        writeln!(
            out,
            "Written by `cargo run --profile bench -p ingress-benches --bin results`; not edited by hand."
        )?;
        writeln!(
            out,
            "How to read it: [README.md](README.md). Ratios carry over to other machines, times do not.\n"
        )?;
        if self.quick {
            writeln!(out, "**A quick run: fewer requests and rounds, so more noise.**\n")?;
        }
        if cfg!(debug_assertions) {
            writeln!(out, "**A build with debug assertions: these figures mean nothing.**\n")?;
        }
        writeln!(out, "- date: {}\n- processor: {}", machine.date, machine.processor)?;
        writeln!(out, "- memory: {}\n- commit: {}", machine.memory, machine.commit)?;
        writeln!(out, "- compiler: {}\n- seed: {SEED:#x}\n", machine.compiler)?;
        writeln!(out, "## What has to be reached\n\n{}", self.summary())?;
        self.write_lookups(out)?;
        self.write_tries(out)?;
        self.write_expressions(out)?;
        self.write_growth(out)?;
        self.write_memory(out)?;
        self.write_rest(out)
    }

    fn write_lookups(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "## One lookup\n")?;
        writeln!(
            out,
            "Nanoseconds, independent lookups, 5% misses; every answer checked before. `matchit`, `wayfind`,"
        )?;
        writeln!(
            out,
            "`path-tree` and the sorted list stand behind a hash of hosts. The list is scanned.\n"
        )?;
        let heads = ["workload", "rules"].into_iter().chain(ROUTERS).chain(["ratio", "done when", "goal"]);
        let mut table = Table::new(heads);
        for contest in &self.contests {
            for (access, figures) in &contest.lookups {
                let bar = bar_of(contest.workload, *access);
                let number =
                    |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}"));
                let mut row =
                    vec![format!("{}, {}", contest.workload, access.name()), grouped(contest.rules)];
                row.extend(figures.iter().map(|figure| digits(*figure)));
                row.push(number(contest.ratio(*access)));
                row.push(number(bar.map(|bar| bar.done)));
                row.push(number(bar.map(|bar| bar.goal)));
                table.row(row);
            }
        }
        writeln!(out, "{table}\nThe ratio is `{}` / `{}`.\n", ROUTERS[0], ROUTERS[1])
    }

    fn write_tries(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "## Lists and tries\n\nHosts with plain rules have a short list, or a roster if they have many, in the place of a trie."
        )?;
        writeln!(
            out,
            "The same rules and requests through both, Zipf, nanoseconds; answers checked before.\n"
        )?;
        let mut table = Table::new(["workload", "lists", "tries", "gain"]);
        for Tries { workload, lists, tries } in &self.tries {
            let gain = format!("{:.2}", tries / lists);
            table.row([(*workload).to_owned(), digits(*lists), digits(*tries), gain]);
        }
        writeln!(out, "{table}")
    }

    fn write_expressions(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "## Expressions of one host\n\nIn the manner of ingress-nginx: without case, anchored at the start, the first in order wins."
        )?;
        writeln!(
            out,
            "Nanoseconds per lookup, answers checked before; milliseconds to make them ready. Ours finds host and"
        )?;
        writeln!(out, "path as always; the peers are given the path.\n")?;
        let mut table = Table::new(["expressions"].into_iter().chain(ENGINES));
        for tried in &self.expressions {
            let name = |what: &str| format!("{}, {what}", tried.count);
            table.row([name("lookup")].into_iter().chain(tried.lookups.iter().map(|figure| digits(*figure))));
            let builds = tried.builds.iter().map(|figure| format!("{figure:.1} ms"));
            table.row([name("build")].into_iter().chain(builds));
        }
        writeln!(out, "{table}")?;
        writeln!(
            out,
            "Bounds are on the slower of ours: through the dialect `ingress-nginx` an expression is several rules, most of"
        )?;
        writeln!(
            out,
            "them under a condition. Megabytes that ours hold:
"
        )?;
        let mut table = Table::new(["expressions", ENGINES[0], ENGINES[1]]);
        for Tried { count, held, .. } in &self.expressions {
            let megabytes = held.map(|bytes| format!("{:.2}", bytes as f64 / 1e6));
            table.row([count.to_string()].into_iter().chain(megabytes));
        }
        writeln!(out, "{table}")
    }

    /// Tables of 10 paths per host, by number of rules.
    fn growth(&self) -> Vec<(usize, &[f64])> {
        let plain = self.contests.iter().filter(|contest| ["S", "M", "L"].contains(&contest.workload));
        let mut sizes: Vec<_> = plain
            .chain(&self.sizes)
            .filter_map(|contest| Some((contest.rules, contest.figures(Access::Zipf)?)))
            .collect();
        sizes.sort_by_key(|(rules, _)| *rules);
        sizes
    }

    /// All but the shared table, whose line would lie on ours.
    fn plot(&self) -> Plot {
        let series = |(index, name): (usize, &&str)| Series {
            name: (*name).to_owned(),
            points: self
                .growth()
                .iter()
                .filter_map(|(rules, figures)| Some((*rules as f64, *figures.get(index)?)))
                .collect(),
        };
        Plot {
            title: "One lookup, by size of the table (10 paths per host, Zipf, 5% misses)".to_owned(),
            x_label: "rules in the table".to_owned(),
            y_label: "ns per lookup, median".to_owned(),
            series: ROUTERS.iter().enumerate().take(5).map(series).collect(),
        }
    }

    fn write_growth(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "## Growth\n\n![Time of one lookup over the size of the table](RESULTS.svg)\n")?;
        let mut table = Table::new(["rules"].into_iter().chain(ROUTERS));
        for (rules, figures) in self.growth() {
            table.row([grouped(rules)].into_iter().chain(figures.iter().map(|figure| digits(*figure))));
        }
        writeln!(out, "{table}")
    }

    fn write_memory(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "## Memory\n\nBytes per rule that the allocator was asked for and that are still held."
        )?;
        writeln!(
            out,
            "Ours holds what its users need (rules, backends, origins); a peer holds one number per rule.\n"
        )?;
        let names = ROUTERS.iter().take(5).copied();
        let mut table =
            Table::new(["workload"].into_iter().chain(names).chain(["of ours: index", "of ours: total"]));
        for contest in &self.contests {
            let per_rule = |bytes: usize| format!("{:.0}", bytes as f64 / contest.rules as f64);
            let mut row = vec![contest.workload.to_owned()];
            row.extend(contest.held.iter().map(|bytes| per_rule(*bytes)));
            row.extend([per_rule(contest.usage.0), per_rule(contest.usage.1)]);
            table.row(row);
        }
        writeln!(
            out,
            "{table}\nThe last two columns are what `RouteTable::memory_usage` says; the bound counts whichever is more.\n"
        )
    }

    fn write_rest(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "## Building 1,000,000 rules\n\nSeconds on one core, the counting allocator included. Ours reads"
        )?;
        writeln!(out, "Kubernetes objects and writes diagnostics; the peers read a list of strings.\n")?;
        let mut table = Table::new(["router", "seconds"]);
        for (name, seconds) in &self.builds {
            table.row([(*name).to_owned(), format!("{seconds:.2}")]);
        }
        writeln!(out, "{table}\n## One change among 100,000 hosts\n")?;
        writeln!(out, "Microseconds from the changed object to the published table, the old one dropped.\n")?;
        let mut table = Table::new(["", "median", "p90", "p99", "p99.9", "worst"]);
        for (name, times) in [("processor time", &self.changes), ("time that passed", &self.changes_passed)] {
            let quantiles = [0.5, 0.9, 0.99, 0.999, 1.0].map(|q| format!("{:.1}", times.quantile(q)));
            table.row([name.to_owned()].into_iter().chain(quantiles));
        }
        writeln!(out, "{table}\n## Reading while a writer swaps\n")?;
        let Sharing { plain, shared, swaps, plain_batch, shared_batch } = self.sharing;
        writeln!(
            out,
            "Workload S, one reader, one writer that made {swaps:.0} swaps a second throughout.\n"
        )?;
        let mut table = Table::new(["reader", "ns per lookup", "64 lookups, p99.9"]);
        table.row(["plain reference".to_owned(), digits(plain), format!("{:.1} us", plain_batch / 1e3)]);
        table.row(["`SharedTable`".to_owned(), digits(shared), format!("{:.1} us", shared_batch / 1e3)]);
        write!(out, "{table}")
    }
}

/// Median seconds of ours and of every peer.
fn builds(million: &Workload, repeats: usize) -> Vec<(&'static str, f64)> {
    let seconds = |times: Vec<Duration>| median(times.iter().map(Duration::as_secs_f64));
    let times = [
        compile_time(million, repeats),
        peer_build_time::<Yardstick>(million, repeats.min(2)),
        peer_build_time::<PerHost<Wayfind>>(million, repeats.min(2)),
        peer_build_time::<PerHost<PathTree>>(million, repeats.min(2)),
        peer_build_time::<PerHost<SortedList>>(million, repeats.min(2)),
    ];
    ROUTERS.into_iter().zip(times.map(seconds)).collect()
}

/// What the last counted run found, see `instructions.rs`.
fn instructions() -> Option<f64> {
    fs::read_to_string(beside("instructions.txt")).ok()?.trim().parse().ok()
}

/// Three digits, no more: the rest is noise.
fn digits(nanoseconds: f64) -> String {
    if nanoseconds < 99.95 { format!("{nanoseconds:.1}") } else { format!("{nanoseconds:.0}") }
}

/// `1,000,000`
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
