//! What an expression uses, read as far as that takes: no engine is asked.

use std::fmt;

/// What in an expression not all engines read alike.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Features {
    /// What engines that run in bounded time do not have, or read otherwise; each once.
    pub(super) special: Vec<Special>,
    /// A `$`.
    pub(super) line_end: bool,
}

/// One thing that is not portable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Special {
    Atomic,
    BackReference,
    Comment,
    Condition,
    Escape(char),
    LookAhead,
    LookBehind,
    Possessive,
    Recursion,
    Verb,
}

impl fmt::Display for Special {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Atomic => "an atomic group `(?>`",
            Self::BackReference => "a back-reference",
            Self::Comment => "a comment `(?#`",
            Self::Condition => "a condition `(?(`",
            Self::Escape(c) => return write!(f, "the escape `\\{c}`"),
            Self::LookAhead => "a look-ahead",
            Self::LookBehind => "a look-behind",
            Self::Possessive => "a possessive repetition such as `*+`",
            Self::Recursion => "a recursion",
            Self::Verb => "a control verb `(*`",
        })
    }
}

impl Features {
    pub(super) fn of(expression: &str) -> Self {
        let mut features = Self::default();
        let mut rest = expression;
        // Whether a quantifier stands right before.
        let mut repeated = false;
        while let Some(c) = rest.chars().next() {
            let after = rest.get(c.len_utf8()..).unwrap_or_default();
            let mut quantifier = false;
            rest = match c {
                '\\' => features.escape(after),
                '[' => class(after),
                '(' => features.group(after),
                '$' => {
                    features.line_end = true;
                    after
                }
                '+' if repeated => {
                    features.add(Special::Possessive);
                    after
                }
                // Behind a quantifier it makes that one lazy.
                '?' if repeated => after,
                '*' | '+' | '?' => {
                    quantifier = true;
                    after
                }
                '{' => match counted(after) {
                    Some(after) => {
                        quantifier = true;
                        after
                    }
                    None => after,
                },
                _ => after,
            };
            repeated = quantifier;
        }
        features
    }

    fn add(&mut self, special: Special) {
        if !self.special.contains(&special) {
            self.special.push(special);
        }
    }

    /// Reads what follows a backslash, and gives what follows that.
    fn escape<'e>(&mut self, after: &'e str) -> &'e str {
        let Some(c) = after.chars().next() else { return after };
        match c {
            '1'..='9' | 'g' | 'k' => self.add(Special::BackReference),
            'C' | 'E' | 'G' | 'H' | 'K' | 'N' | 'R' | 'X' | 'Z' | 'h' => self.add(Special::Escape(c)),
            'Q' => {
                self.add(Special::Escape(c));
                return after.split_once("\\E").map_or("", |(_, rest)| rest);
            }
            _ => {}
        }
        after.get(c.len_utf8()..).unwrap_or_default()
    }

    /// Reads what says which kind of group begins, and gives what follows that.
    fn group<'e>(&mut self, after: &'e str) -> &'e str {
        if after.starts_with('*') {
            self.add(Special::Verb);
            return after;
        }
        let Some(kind) = after.strip_prefix('?') else { return after };
        let special = match kind.as_bytes() {
            [b'=' | b'!', ..] => Special::LookAhead,
            [b'<', b'=' | b'!', ..] => Special::LookBehind,
            [b'>', ..] => Special::Atomic,
            [b'(', ..] => Special::Condition,
            [b'P', b'=', ..] => Special::BackReference,
            [b'P', b'>', ..] | [b'R' | b'&' | b'+' | b'0'..=b'9', ..] | [b'-', b'0'..=b'9', ..] => {
                Special::Recursion
            }
            [b'#', ..] => {
                self.add(Special::Comment);
                return kind.split_once(')').map_or("", |(_, rest)| rest);
            }
            _ => return kind,
        };
        self.add(special);
        kind
    }
}

/// What follows a class, whose `[` was read.
fn class(after: &str) -> &str {
    let mut rest = after.strip_prefix('^').unwrap_or(after);
    // Right at the start it is a member.
    rest = rest.strip_prefix(']').unwrap_or(rest);
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        rest = match c {
            ']' => return after,
            '\\' => after.chars().next().and_then(|c| after.get(c.len_utf8()..)).unwrap_or_default(),
            '[' if after.starts_with(':') => after.split_once(":]").map_or(after, |(_, rest)| rest),
            _ => after,
        };
    }
    rest
}

/// What follows a counted repetition, whose `{` was read, if it is one.
fn counted(after: &str) -> Option<&str> {
    let (count, rest) = after.split_once('}')?;
    (count.starts_with(|c: char| c.is_ascii_digit()) && count.chars().all(|c| c.is_ascii_digit() || c == ','))
        .then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_special_is_seen() {
        for (text, special) in [
            ("/(?!admin)", Special::LookAhead),
            ("/(?=a)", Special::LookAhead),
            ("/a(?<!b)", Special::LookBehind),
            ("/a(?<=b)", Special::LookBehind),
            (r"/(a)\1", Special::BackReference),
            (r"/(?P<n>a)(?P=n)", Special::BackReference),
            (r"/(?<n>a)\k<n>", Special::BackReference),
            ("/(?>a+)b", Special::Atomic),
            ("/a*+b", Special::Possessive),
            ("/a{2,3}+b", Special::Possessive),
            ("/(?R)", Special::Recursion),
            ("/(a(?1)?)", Special::Recursion),
            ("/(?(1)a|b)", Special::Condition),
            ("/(?#why)a", Special::Comment),
            (r"/a\Kb", Special::Escape('K')),
            ("/(*FAIL)", Special::Verb),
        ] {
            assert_eq!(Features::of(text).special, [special], "{text}");
        }
    }

    #[test]
    fn what_only_looks_special_is_not() {
        for text in [
            r"/\(?!a",
            "/[(?!]",
            r"/[\]$(?=]",
            "/[]$]",
            "/[^]$]",
            "/[[:alpha:]$]",
            r"/\$",
            r"/\\d",
            "/a+?b*?c??",
            "/a{x}+b",
            "/(?:a|b)+/(?i)c",
            "/(?P<name>[a-z]+)/(?<other>b)",
            r"/\d+/\w*",
            "",
            "\\",
            "[",
            "(?",
            "é+",
        ] {
            assert_eq!(Features::of(text), Features::default(), "{text}");
        }
    }

    #[test]
    fn ends_of_lines() {
        for text in ["/a$", "/api(/|$)(.*)", r"/\\$", "/[a]$"] {
            assert!(Features::of(text).line_end, "{text}");
        }
    }
}
