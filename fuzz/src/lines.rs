//! The language of the seeds: one line, one event.
//!
//! ```text
//! # a comment
//! ! choice=best wildcards=many paths=decode-all
//! + shop/web a.example.com Prefix /cart cart:80 header:x-canary=always
//! + shop/web *.example.com Regex~* /v[0-9]+/(.*) api:80 rewrite=/$1
//! - shop/web
//! ? a.example.com /cart/7?v=2 method=POST x-canary=always
//! ```
//!
//! - `!` chooses how requests are read; without it objects go through the Kubernetes dialect.
//! - `+` adds a rule to an object: host (`*` for none), kind, path, backend, and further words.
//! - `-` removes an object with all its rules.
//! - `?` asks: host (`-` for none), target, and further words: the method, headers.
//!
//! Words are separated by one space each. There are no escapes: what cannot be written so is not worth
//! writing down.

use std::fmt;
use std::str::FromStr;

/// One event.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Line {
    /// `+`: a rule of an object.
    Add(Name, RuleLine),
    /// `?`
    Ask(RequestLine),
    /// `!`
    Read(Vec<Word>),
    /// `-`
    Remove(Name),
}

/// The name of an object. Neither half is empty: an absent namespace is read as another.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct Name {
    /// The namespace.
    pub namespace: String,
    /// The name within it.
    pub name: String,
}

/// What is said of one rule.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RuleLine {
    /// The host, `*` for none.
    pub host: String,
    /// `Exact`, `Prefix`, `Literal`, `Regex` or `Any`, each with `~*` behind it to ignore case;
    /// `Default` or `Certificate` or `Claim`; for the Kubernetes dialect whatever the API says.
    pub kind: String,
    /// The path, or the expression. `-` for none.
    pub path: String,
    /// Service and port, or the Secret of a certificate.
    pub backend: String,
    /// Conditions, rewrites, ranks.
    pub words: Vec<Word>,
}

/// What is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RequestLine {
    /// The host as it is sent; `None` when there is none.
    pub host: Option<String>,
    /// The target as it is sent.
    pub target: String,
    /// `method=`, and headers.
    pub words: Vec<Word>,
}

/// `key=value`, or a key alone.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Word {
    /// What stands before the first `=`.
    pub key: String,
    /// What stands behind it, if there is one.
    pub value: Option<String>,
}

/// Why a text is no line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct NoLine;

impl fmt::Display for NoLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it starts with none of ! + - ? or stops too early")
    }
}

impl std::error::Error for NoLine {}

/// The lines of a text that are some, and the number of those that are not. Empty lines and comments
/// are neither.
pub fn read(text: &str) -> (Vec<Line>, usize) {
    let written = text.split('\n').filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (mut lines, mut others) = (Vec::new(), 0);
    for line in written {
        match line.parse() {
            Ok(line) => lines.push(line),
            Err(NoLine) => others += 1,
        }
    }
    (lines, others)
}

impl FromStr for Line {
    type Err = NoLine;

    fn from_str(text: &str) -> Result<Self, NoLine> {
        let (sign, rest) = text.split_once(' ').ok_or(NoLine)?;
        match sign {
            "!" => Ok(Self::Read(words(rest.split(' ')))),
            "+" => {
                let (name, rule) = rest.split_once(' ').ok_or(NoLine)?;
                Ok(Self::Add(name.parse()?, rule.parse()?))
            }
            "-" => Ok(Self::Remove(rest.parse()?)),
            "?" => {
                let mut parts = rest.split(' ');
                let host = parts.next().ok_or(NoLine)?;
                let target = parts.next().ok_or(NoLine)?.to_owned();
                let host = (host != "-").then(|| host.to_owned());
                Ok(Self::Ask(RequestLine { host, target, words: words(parts) }))
            }
            _ => Err(NoLine),
        }
    }
}

impl FromStr for Name {
    type Err = NoLine;

    fn from_str(text: &str) -> Result<Self, NoLine> {
        let (namespace, name) = text.split_once('/').ok_or(NoLine)?;
        if namespace.is_empty() || name.is_empty() {
            return Err(NoLine);
        }
        Ok(Self { namespace: namespace.to_owned(), name: name.to_owned() })
    }
}

impl FromStr for RuleLine {
    type Err = NoLine;

    fn from_str(text: &str) -> Result<Self, NoLine> {
        let mut parts = text.split(' ');
        let mut next = || parts.next().map(str::to_owned).ok_or(NoLine);
        let (host, kind, path, backend) = (next()?, next()?, next()?, next()?);
        Ok(Self { host, kind, path, backend, words: words(parts) })
    }
}

fn words<'t>(texts: impl Iterator<Item = &'t str>) -> Vec<Word> {
    let word = |text: &str| match text.split_once('=') {
        Some((key, value)) => Word { key: key.to_owned(), value: Some(value.to_owned()) },
        None => Word { key: text.to_owned(), value: None },
    };
    texts.map(word).collect()
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add(name, rule) => write!(f, "+ {name} {rule}"),
            Self::Ask(request) => {
                write!(f, "? {} {}", request.host.as_deref().unwrap_or("-"), request.target)?;
                write_words(&request.words, f)
            }
            Self::Read(words) => {
                f.write_str("!")?;
                write_words(words, f)
            }
            Self::Remove(name) => write!(f, "- {name}"),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl fmt::Display for RuleLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.host, self.kind, self.path, self.backend)?;
        write_words(&self.words, f)
    }
}

fn write_words(words: &[Word], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    words.iter().try_for_each(|word| match &word.value {
        Some(value) => write!(f, " {}={value}", word.key),
        None => write!(f, " {}", word.key),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_back() {
        let text = "! choice=best wildcards=many keep-case\n\
            + shop/web a.example.com Prefix /cart cart:80 header:x-canary=always key=1\n\
            + shop/web * Any - s:http\n\
            - shop/web\n\
            ? - /cart?a=b&c=d method=POST x-canary=\n\
            ? a.example.com /cart";
        let (lines, others) = read(text);
        assert_eq!((lines.len(), others), (6, 0));
        let written: Vec<_> = lines.iter().map(ToString::to_string).collect();
        assert_eq!(written.join("\n"), text);
    }

    #[test]
    fn comments_are_no_lines_and_neither_is_anything_else() {
        assert_eq!(read("# a\n\n"), (Vec::new(), 0));
        assert_eq!(read("+\n+ a\n+ a/b c Prefix /d\n?\n? a\nx y z\n-\n- a\n- /a\n- a/"), (Vec::new(), 10));
    }
}
