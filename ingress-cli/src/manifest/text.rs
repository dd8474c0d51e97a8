//! Whether the bytes of a document are text at all.

use super::compose::SyntaxError;
use super::place::Place;
use super::split::Chunk;

/// The bytes of a document as text. Neither YAML nor JSON may hold control bytes as such, but parsers
/// disagree about what to do with them.
pub(super) fn check<'b>(bytes: &'b [u8], chunk: &Chunk) -> Result<&'b str, SyntaxError> {
    let broken = |at: usize, message: &dyn Fn(u8) -> String| {
        let byte = bytes.get(at).copied().unwrap_or_default();
        SyntaxError::new(place(bytes, at, 1, chunk), message(byte))
    };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        broken(error.valid_up_to(), &|byte| format!("byte 0x{byte:02x} is not valid UTF-8"))
    })?;
    let control = |byte: &u8| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    match bytes.iter().position(control) {
        None => Ok(text),
        Some(at) => Err(broken(at, &|byte| {
            format!("control byte 0x{byte:02x} is not allowed; write it as an escape in double quotes")
        })),
    }
}

/// The place of `width` bytes at `at` in the bytes of a document.
pub(super) fn place(bytes: &[u8], at: usize, width: usize, chunk: &Chunk) -> Place {
    let before = bytes.get(..at).unwrap_or_default();
    let ends_line = |(at, byte): &(usize, &u8)| match byte {
        b'\n' => true,
        b'\r' => before.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    let breaks = before.iter().enumerate().filter(ends_line).count();
    let line = before.rsplit(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let column = String::from_utf8_lossy(line).chars().count() + 1;
    let line = chunk.line.saturating_add(u32::try_from(breaks).unwrap_or(u32::MAX));
    Place::new(line, column, width, chunk.range.start + at)
}

/// Where the first action of a template stands that YAML stumbles over: `{{ ... }}` at the start of a
/// line or of a value.
pub(super) fn template_action(bytes: &[u8], chunk: &Chunk) -> Option<Place> {
    let mut from = 0;
    loop {
        let rest = bytes.get(from..)?;
        let at = from + rest.windows(2).position(|pair| pair == b"{{")?;
        let (before, after) = bytes.split_at(at);
        let line = before.rsplit(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
        if matches!(line.trim_ascii().last(), None | Some(b':' | b'-')) {
            let width = after.windows(2).position(|pair| pair == b"}}")? + 2;
            return Some(place(bytes, at, width, chunk));
        }
        from = at + 2;
    }
}
