//! Sets of bytes, and the escapes that stand for one of them.

use std::fmt::Write;

use super::Writer;

/// What an escape stands for.
pub(super) enum Escaped {
    Byte(u8),
    Not(&'static str),
    Set(&'static str),
}

impl Writer<'_> {
    pub(super) fn digits(&mut self, radix: u32, most: usize) -> Option<u32> {
        let end = self.rest.chars().take(most).take_while(|c| c.is_digit(radix)).count();
        let digits = self.rest.get(..end)?;
        self.rest = self.rest.get(end..).unwrap_or("");
        u32::from_str_radix(digits, radix).ok()
    }

    /// An escape that stands for a byte or for a set of bytes, within a class or outside.
    pub(super) fn class_escape(&mut self, c: char) -> Result<Escaped, &'static str> {
        let byte = |number: Option<u32>| {
            number.and_then(|number| u8::try_from(number).ok()).ok_or("a character is beyond a byte")
        };
        Ok(match c {
            'a' => Escaped::Byte(7),
            'e' => Escaped::Byte(0x1b),
            'f' => Escaped::Byte(0x0c),
            'n' => Escaped::Byte(b'\n'),
            'r' => Escaped::Byte(b'\r'),
            't' => Escaped::Byte(b'\t'),
            'h' => Escaped::Set(r"\t \xA0"),
            'H' => Escaped::Not(r"\t \xA0"),
            'v' => Escaped::Set(r"\n\x0B\f\r\x85"),
            'V' => Escaped::Not(r"\n\x0B\f\r\x85"),
            'd' => Escaped::Set("0-9"),
            'D' => Escaped::Not("0-9"),
            'w' => Escaped::Set("0-9A-Za-z_"),
            'W' => Escaped::Not("0-9A-Za-z_"),
            's' => Escaped::Set(r"\t\n\x0B\f\r "),
            'S' => Escaped::Not(r"\t\n\x0B\f\r "),
            'c' => {
                let control = self.next().filter(char::is_ascii).ok_or("a control character is broken")?;
                Escaped::Byte((control as u8).to_ascii_uppercase() ^ 0x40)
            }
            'x' if self.take("{") => {
                let digits = self.until('}').ok_or("a character is not closed")?;
                Escaped::Byte(byte(u32::from_str_radix(digits, 16).ok())?)
            }
            'x' => Escaped::Byte(byte(Some(self.digits(16, 2).unwrap_or(0)))?),
            'o' if self.take("{") => {
                let digits = self.until('}').ok_or("a character is not closed")?;
                Escaped::Byte(byte(u32::from_str_radix(digits, 8).ok())?)
            }
            '0'..='7' => {
                let more = self.digits(8, 2).map_or((0, 1), |number| (number, 8));
                let first = c.to_digit(8).unwrap_or(0);
                let shift = if more.1 == 1 {
                    1
                } else if more.0 >= 8 {
                    64
                } else {
                    8
                };
                Escaped::Byte(byte(Some(first * shift + more.0))?)
            }
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Escaped::Byte(c as u8),
            _ => return Err("a backslash stands before a character that has no meaning with it"),
        })
    }

    /// A set with a name, such as `[:digit:]`.
    fn named_class(&mut self) -> bool {
        let Some((name, _)) = self.rest.strip_prefix("[:").and_then(|rest| rest.split_once(":]")) else {
            return false;
        };
        if !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'^') {
            return false;
        }
        let _ = write!(self.text, "[:{name}:]");
        self.rest = self.rest.get(name.len() + 4..).unwrap_or("");
        true
    }

    /// What stands between brackets, the first of which is behind us.
    pub(super) fn class(&mut self) -> Result<(), &'static str> {
        let unclosed = "a class is not closed";
        self.text.push('[');
        if self.take("^") {
            self.text.push('^');
        }
        let mut first = true;
        // The last single byte, which a hyphen may make the start of a range.
        let mut low: Option<u8> = None;
        loop {
            if self.named_class() {
                (first, low) = (false, None);
                continue;
            }
            let c = self.next().ok_or(unclosed)?;
            let item = match c {
                ']' if !first => break,
                '-' if low.is_some() && !self.rest.starts_with(']') => {
                    let high = match self.next().ok_or(unclosed)? {
                        '\\' => {
                            let c = self.next().ok_or(unclosed)?;
                            match if c == 'b' { Escaped::Byte(8) } else { self.class_escape(c)? } {
                                Escaped::Byte(byte) => byte,
                                _ => return Err("a range ends in a set"),
                            }
                        }
                        c if c.is_ascii() => c as u8,
                        _ => return Err("a range ends in a character of several bytes"),
                    };
                    if low.take().is_some_and(|low| high < low) {
                        return Err("a range is out of order");
                    }
                    self.text.push('-');
                    self.byte(high);
                    continue;
                }
                '\\' => {
                    let c = self.next().ok_or(unclosed)?;
                    if c == 'E' {
                        continue;
                    }
                    if c == 'b' { Escaped::Byte(8) } else { self.class_escape(c)? }
                }
                c if c.is_ascii() => Escaped::Byte(c as u8),
                c => {
                    self.literal(c);
                    (first, low) = (false, None);
                    continue;
                }
            };
            (first, low) = (false, None);
            match item {
                Escaped::Byte(byte) => {
                    self.byte(byte);
                    low = Some(byte);
                }
                Escaped::Set(set) => self.text.push_str(set),
                Escaped::Not(set) => {
                    let _ = write!(self.text, "[^{set}]");
                }
            }
        }
        self.text.push(']');
        Ok(())
    }
}
