//! Expressions as PCRE reads them, in the words of an engine that runs in linear time.
//!
//! Most of both languages is the same; this is the rest. What no such engine can express (look-around,
//! back-references, recursion, and whatever depends on how far a backtracking engine would go back) is
//! replaced by something that matches more. Such an expression still says which requests *may* be meant,
//! and no more than that.

mod class;

use std::fmt::Write;

use class::Escaped;

/// An expression that was translated.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Translated {
    pub(super) text: String,
    /// Why the text matches more than the original; `None` when both match the same.
    pub(super) beyond: Option<&'static str>,
}

/// Translates an expression; what PCRE itself would not compile is an error.
///
/// `$` also stands before a line feed at the very end. Nothing here can look ahead, so it takes the line feed
/// in: what matches is the same, but for expressions that go on behind `$` with something that needs it.
pub(super) fn translate(text: &str) -> Result<Translated, &'static str> {
    Writer::new(text, r"(?:\n?\z)").translated()
}

/// The same for an expression whose groups are wanted, which hold no line feed that `$` stands before.
/// [`Rule::capture`](crate::rule::Rule::capture) looks for it in the path without that line feed.
pub(super) fn translate_groups(text: &str) -> Result<Translated, &'static str> {
    Writer::new(text, r"\z").translated()
}

struct Writer<'t> {
    rest: &'t str,
    /// What `$` becomes.
    end: &'static str,
    text: String,
    beyond: Option<&'static str>,
    open: u32,
    groups: u32,
    /// Whether something stands before that can be repeated.
    repeatable: bool,
}

impl<'t> Writer<'t> {
    fn new(text: &'t str, end: &'static str) -> Self {
        Self { rest: text, end, text: String::new(), beyond: None, open: 0, groups: 0, repeatable: false }
    }

    fn translated(mut self) -> Result<Translated, &'static str> {
        self.run()?;
        if self.open > 0 {
            return Err("a parenthesis is not closed");
        }
        Ok(Translated { text: self.text, beyond: self.beyond })
    }
}

/// Whatever a piece that cannot be expressed could have matched.
const ANYTHING: &str = "(?s:.*)";

impl Writer<'_> {
    fn run(&mut self) -> Result<(), &'static str> {
        while let Some(c) = self.next() {
            let repeatable = std::mem::replace(&mut self.repeatable, true);
            match c {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' => self.group()?,
                ')' => {
                    self.open =
                        self.open.checked_sub(1).ok_or("a parenthesis is closed that was not open")?;
                    self.text.push(')');
                }
                '*' | '+' | '?' => self.repeat(c, repeatable)?,
                '{' => self.braces(repeatable)?,
                '$' => self.text.push_str(self.end),
                '^' | '|' => {
                    self.repeatable = false;
                    self.text.push(c);
                }
                ']' | '}' => self.literal(c),
                c if c.is_ascii() => self.text.push(c),
                c => self.literal(c),
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = self.rest.get(c.len_utf8()..).unwrap_or("");
        Some(c)
    }

    fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes what stands before `end`, and `end` itself.
    fn until(&mut self, end: char) -> Option<&str> {
        let (taken, rest) = self.rest.split_once(end)?;
        self.rest = rest;
        Some(taken)
    }

    fn more(&mut self, why: &'static str) {
        self.beyond.get_or_insert(why);
    }

    /// A character as itself, byte by byte: these expressions are run on bytes.
    fn literal(&mut self, c: char) {
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            self.byte(byte);
        }
    }

    fn byte(&mut self, byte: u8) {
        let _ = write!(self.text, "\\x{byte:02X}");
    }

    fn anything(&mut self, why: &'static str) {
        self.more(why);
        self.text.push_str(ANYTHING);
    }

    fn repeat(&mut self, sign: char, repeatable: bool) -> Result<(), &'static str> {
        if !repeatable {
            return Err("a quantifier has nothing to repeat");
        }
        self.text.push(sign);
        self.after_repeat();
        Ok(())
    }

    fn after_repeat(&mut self) {
        if self.take("+") {
            self.more("a possessive quantifier");
        } else if self.take("?") {
            self.text.push('?');
        }
        self.repeatable = false;
    }

    fn braces(&mut self, repeatable: bool) -> Result<(), &'static str> {
        let bounds = self.rest.split_once('}').map(|(bounds, _)| bounds).filter(|bounds| {
            let (low, high) = bounds.split_once(',').unwrap_or((bounds, ""));
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            !low.is_empty() && digits(low) && digits(high)
        });
        let Some(bounds) = bounds else {
            self.literal('{');
            return Ok(());
        };
        if !repeatable {
            return Err("a quantifier has nothing to repeat");
        }
        let (low, high) = bounds.split_once(',').unwrap_or((bounds, bounds));
        let number = |text: &str| text.parse::<u32>().ok().filter(|number| *number <= 0xffff);
        let too_large = "a quantifier is too large";
        let least = number(low).ok_or(too_large)?;
        if !high.is_empty() && number(high).ok_or(too_large)? < least {
            return Err("the bounds of a quantifier are out of order");
        }
        self.text.push('{');
        self.text.push_str(bounds);
        self.text.push('}');
        self.rest = self.rest.get(bounds.len() + 1..).unwrap_or("");
        self.after_repeat();
        Ok(())
    }

    fn group(&mut self) -> Result<(), &'static str> {
        self.repeatable = false;
        if self.take("*") {
            self.until(')').ok_or("a verb is not closed")?;
            self.more("a verb for the engine");
            return Ok(());
        }
        if !self.take("?") {
            self.open += 1;
            self.groups += 1;
            self.text.push('(');
            return Ok(());
        }
        if self.take("#") {
            self.until(')').ok_or("a comment is not closed")?;
            return Ok(());
        }
        for around in ["=", "!", "<=", "<!"] {
            if self.take(around) {
                self.more("look-around");
                return self.skip_group();
            }
        }
        if self.take(":") {
            return self.open_group("(?:", None);
        }
        if self.take("|") {
            return self.open_group("(?:", Some("groups that share their numbers"));
        }
        if self.take(">") {
            return self.open_group("(?:", Some("an atomic group"));
        }
        if self.take("(") {
            self.until(')').ok_or("a condition is not closed")?;
            return self.open_group("(?:", Some("a condition on groups"));
        }
        for (start, end) in [("P<", '>'), ("<", '>'), ("'", '\'')] {
            if self.take(start) {
                self.until(end).filter(|name| !name.is_empty()).ok_or("the name of a group is broken")?;
                self.groups += 1;
                return self.open_group("(", None);
            }
        }
        self.flags()
    }

    fn open_group(&mut self, start: &str, beyond: Option<&'static str>) -> Result<(), &'static str> {
        if let Some(why) = beyond {
            self.more(why);
        }
        self.open += 1;
        self.text.push_str(start);
        Ok(())
    }

    fn flags(&mut self) -> Result<(), &'static str> {
        let end = self.rest.find([')', ':']).ok_or("a group is not closed")?;
        let flags = self.rest.get(..end).unwrap_or("").to_owned();
        let colon = self.rest.get(end..).is_some_and(|rest| rest.starts_with(':'));
        self.rest = self.rest.get(end + 1..).unwrap_or("");
        if !flags.is_empty() && flags.bytes().all(|flag| b"imsxU-".contains(&flag)) {
            if flags.contains('m') {
                self.more("lines within a path");
            }
            self.open += u32::from(colon);
            let _ = write!(self.text, "(?{flags}{}", if colon { ':' } else { ')' });
            return Ok(());
        }
        let recursion = |byte: u8| byte.is_ascii_alphanumeric() || b"&=>+-_".contains(&byte);
        if !colon && flags.bytes().all(recursion) {
            self.anything("recursion");
            self.repeatable = true;
            return Ok(());
        }
        Err("a group starts with signs that have no meaning")
    }

    /// Passes over a group that is open already.
    fn skip_group(&mut self) -> Result<(), &'static str> {
        let mut inner = Self { open: 1, ..Self::new(self.rest, self.end) };
        while inner.open > 0 {
            let before = inner.rest;
            let Some(c) = inner.next() else { return Err("a parenthesis is not closed") };
            match c {
                '\\' => inner.escape()?,
                '[' => inner.class()?,
                '(' => inner.open += 1,
                ')' => inner.open -= 1,
                _ => {}
            }
            debug_assert!(inner.rest.len() < before.len(), "it gets on");
        }
        self.rest = inner.rest;
        self.repeatable = true;
        // Something that can be repeated, and matches nothing.
        self.text.push_str("(?:)");
        Ok(())
    }

    /// A backslash before a number: a group that there is, or else a byte in octal digits.
    fn number(&mut self, first: char) {
        let digits = self.rest.bytes().take_while(u8::is_ascii_digit).count().min(8);
        let number = self.rest.get(..digits).and_then(|rest| format!("{first}{rest}").parse::<u32>().ok());
        let octal = self.rest.bytes().take(2).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
        let text = format!("{first}{}", self.rest.get(..octal).unwrap_or(""));
        match u8::from_str_radix(&text, 8) {
            Ok(byte) if number.is_some_and(|number| number > 9 && number > self.groups) => {
                self.rest = self.rest.get(octal..).unwrap_or("");
                self.byte(byte);
            }
            _ => {
                self.rest = self.rest.get(digits..).unwrap_or("");
                self.anything("a back-reference");
            }
        }
    }

    fn escape(&mut self) -> Result<(), &'static str> {
        let c = self.next().ok_or("a backslash stands at the end")?;
        match c {
            'A' | 'b' | 'B' | 'D' | 'S' | 'W' | 'd' | 'f' | 'n' | 'r' | 's' | 't' | 'w' | 'z' => {
                self.text.push('\\');
                self.text.push(c);
            }
            'Q' => {
                let quoted = self.rest.split_once(r"\E").map_or(self.rest, |(quoted, _)| quoted);
                self.rest = self.rest.get(quoted.len()..).unwrap_or("");
                self.take(r"\E");
                quoted.chars().for_each(|c| self.literal(c));
            }
            'E' | 'K' => {}
            'G' => self.text.push_str(r"\A"),
            'Z' => self.text.push_str(r"(?:\n?\z)"),
            'R' => self.text.push_str(r"(?:\r\n|[\n\x0B\f\r\x85])"),
            'N' => self.text.push_str(r"[^\n]"),
            'C' => self.text.push_str("(?s:.)"),
            'X' => self.anything("a whole character"),
            'p' | 'P' => {
                if self.take("{") {
                    self.until('}').ok_or("a property is not closed")?;
                } else {
                    self.next().ok_or("a property has no name")?;
                }
                self.more("a property of characters");
                self.text.push_str("(?s:.)");
            }
            'g' | 'k' => {
                let end = match self.next() {
                    Some('{') => '}',
                    Some('<') => '>',
                    Some('\'') => '\'',
                    Some(c) if c.is_ascii_digit() || c == '-' || c == '+' => {
                        self.digits(10, 9);
                        self.anything("a back-reference");
                        return Ok(());
                    }
                    _ => return Err("a reference names nothing"),
                };
                self.until(end).ok_or("a reference is not closed")?;
                self.anything("a back-reference");
            }
            '1'..='9' => self.number(c),
            _ => match self.class_escape(c)? {
                Escaped::Byte(byte) => self.byte(byte),
                Escaped::Set(set) => {
                    let _ = write!(self.text, "[{set}]");
                }
                Escaped::Not(set) => {
                    let _ = write!(self.text, "[^{set}]");
                }
            },
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::PathPattern;

    fn matches(expression: &str, path: &str) -> bool {
        let translated = translate(expression).unwrap();
        assert_eq!(translated.beyond, None, "{expression}");
        let pattern = PathPattern::search(translated.text.as_str());
        pattern
            .unwrap_or_else(|error| panic!("{expression}: {} {error:?}", translated.text))
            .matches(path.as_bytes())
    }

    #[test]
    fn what_both_say_in_other_words() {
        for (expression, path, found) in [
            ("^/a$", "/a", true),
            ("^/a$", "/a\n", true),
            ("^/a$", "/ab", false),
            (r"^/x\.php$", "/x.php", true),
            ("^/a{b}", "/a{b}", true),
            ("^/a{2}$", "/aa", true),
            ("^/[a&&b]+$", "/&a", true),
            ("^/[[a]]$", "/a]", true),
            ("^/[]a]$", "/]", true),
            ("^/[^]a]$", "/a", false),
            ("^/[[:digit:]x-]+$", "/1x-", true),
            (r"^/[\w.-]+$", "/a.b-c", true),
            (r"^/[\Wa]$", "/-", true),
            (r"^/\Qa.b\E$", "/a.b", true),
            (r"^/\Qa.b\E$", "/axb", false),
            (r"^/(?<v>v\d+)/", "/v1/", true),
            (r"^/(?'v'a)(?#comment)b", "/ab", true),
            (r"^/\x41\x{42}\103", "/ABC", true),
            (r"^/\<a\>", "/<a>", true),
            (r"^/a\h", "/a\t", true),
            ("^/é?$", "/\u{e9}", true),
            ("(?i)/A", "/x/a", true),
            ("^/(a|b)/.*", "/b/", true),
            (r"^/a\/b", "/a/b", true),
        ] {
            assert_eq!(matches(expression, path), found, "{expression} {path:?}");
        }
    }

    #[test]
    fn what_cannot_be_said_matches_more() {
        for (expression, path) in [
            ("^/(?!admin)", "/admin"),
            ("^/a(?=b)b", "/ab"),
            (r"^/(a)\1", "/aa"),
            (r"^/(a)\g{1}$", "/aa"),
            ("^/a++b", "/aab"),
            ("^/(?>a|ab)c", "/abc"),
            ("^/(?<=x)(?<!y)z", "/z"),
            ("^/(?:a(?1)?)", "/aa"),
            (r"^/\p{Lu}", "/A"),
            ("(*UTF8)^/a", "/a"),
        ] {
            let translated = translate(expression).unwrap();
            assert!(translated.beyond.is_some(), "{expression}");
            let pattern = PathPattern::search(translated.text).unwrap();
            assert!(pattern.matches(path.as_bytes()), "{expression}");
        }
    }

    #[test]
    fn what_is_no_expression() {
        for expression in [
            "(", ")", "[", "[a", "*a", "^/a{2,1}", "a**", r"\", r"\y", "[b-a]", "(?<>a)", "(?", "a{99999}",
            r"\x{100}",
        ] {
            assert!(translate(expression).is_err(), "{expression}");
        }
    }
}
