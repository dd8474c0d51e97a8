//! Where and when: without these a figure means nothing.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, thread};

/// What a run was made on and of.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The day, in UTC.
    pub date: String,
    /// Model and number of processors.
    pub processor: String,
    /// Memory in GiB.
    pub memory: String,
    /// The commit, and whether there was more than that.
    pub commit: String,
    /// The compiler.
    pub compiler: String,
}

impl Machine {
    /// Looks around. What cannot be found out is called unknown.
    pub fn look() -> Self {
        Self {
            date: today(),
            processor: processor().unwrap_or_else(unknown),
            memory: memory().unwrap_or_else(unknown),
            commit: commit().unwrap_or_else(unknown),
            compiler: output("rustc", &["--version"]).unwrap_or_else(unknown),
        }
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn processor() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let cores = thread::available_parallelism().map_or(1, Into::into);
    let cache = field("cache size").map_or_else(String::new, |size| format!(", {size} of L2 each"));
    let family = field("cpu family")
        .zip(field("model\t"))
        .map_or_else(String::new, |(family, model)| format!(" (family {family}, model {model})"));
    Some(format!("{cores} x {}{family}{cache}", field("model name")?))
}

fn memory() -> Option<String> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let kib: u64 = info.lines().next()?.split_whitespace().nth(1)?.parse().ok()?;
    Some(format!("{} GiB", kib.div_ceil(1024 * 1024)))
}

/// The files that the run itself writes do not count as changes.
fn commit() -> Option<String> {
    let head = output("git", &["rev-parse", "--short=12", "HEAD"])?;
    let status = output("git", &["status", "--porcelain"])?;
    let changed = status.lines().any(|line| !line.contains("benches/RESULTS."));
    Some(if changed { format!("{head}, with uncommitted changes") } else { head })
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (year, month, day) = civil(seconds / 86_400);
    format!("{year}-{month:02}-{day:02}")
}

/// Days since 1970-01-01 as a date of the Gregorian calendar.
fn civil(mut days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let february = 28 + u64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests {
    use super::civil;

    #[test]
    fn days_become_dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_453), (2025, 12, 31));
        assert_eq!(civil(20_454), (2026, 1, 1));
    }
}
