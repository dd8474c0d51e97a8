//! A moment on the clock, as certificates write it.

use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use x509_cert::der::DateTime;

/// A moment, to the second.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Moment(DateTime);

impl Moment {
    /// What the clock of the system says; `None` when it stands before 1970.
    pub(crate) fn now() -> Option<Self> {
        DateTime::from_system_time(SystemTime::now()).ok().map(Self)
    }
}

impl From<DateTime> for Moment {
    fn from(time: DateTime) -> Self {
        Self(time)
    }
}

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let time =
            if text.len() == "2030-01-01".len() { format!("{text}T00:00:00Z") } else { text.to_owned() };
        time.parse().map(Self).map_err(|_| "write it as 2030-01-01 or 2030-01-01T12:00:00Z, in UTC")
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_and_nothing_else() {
        let shown = |text: &str| text.parse::<Moment>().map(|moment| moment.to_string());
        assert_eq!(shown("2030-01-01").as_deref(), Ok("2030-01-01T00:00:00Z"));
        assert_eq!(shown("2032-02-29T23:59:59Z").as_deref(), Ok("2032-02-29T23:59:59Z"));
        for bad in [
            "",
            "now",
            "2030",
            "2030-13-01",
            "2031-02-29",
            "2030-01-01T12:00:00",
            "2030-01-01T12:00:00+02:00",
        ] {
            assert!(shown(bad).is_err(), "{bad}");
        }
    }
}
