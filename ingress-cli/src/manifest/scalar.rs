//! What a plain scalar is: text, a number, a truth value, or nothing.
//!
//! This is the reading of `kubectl`, which is that of YAML 1.1 with the octal numbers of 1.2: `yes` and
//! `on` are truth values, `0755` is a number. Who means text writes it in quotes; the API server refuses
//! it otherwise, and so do we. One letter makes an exception: to `kubectl`, `y` and `n` are truth
//! values, too, but hardly any other tool agrees, and those that write YAML leave them unquoted.

use std::borrow::Cow;

use super::node::Value;

/// Resolves an unquoted scalar.
pub(super) fn resolve(text: Cow<'_, str>) -> Value<'_> {
    match &*text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            return Value::Bool(true);
        }
        "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    if text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.'))
        && let Some(number) = number(&text)
    {
        return number;
    }
    Value::Text(text)
}

fn number(text: &str) -> Option<Value<'static>> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match unsigned {
        ".inf" | ".Inf" | ".INF" => {
            let infinite = if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY };
            return Some(Value::Float(infinite));
        }
        ".nan" | ".NaN" | ".NAN" => return Some(Value::Float(f64::NAN)),
        _ => {}
    }
    let plain: Cow<'_, str> =
        if unsigned.contains('_') { unsigned.replace('_', "").into() } else { unsigned.into() };
    let negative = text.starts_with('-');
    integer(&plain, negative).map(Value::Int).or_else(|| float(&plain, negative).map(Value::Float))
}

fn integer(digits: &str, negative: bool) -> Option<i64> {
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, digits.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    // The standard library would take a second sign here.
    if !digits.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return None;
    }
    let value = i128::from_str_radix(digits, radix).ok()?;
    i64::try_from(if negative { -value } else { value }).ok()
}

/// `[0-9]+(\.[0-9]*)?` or `\.[0-9]+`, with an exponent or not.
fn float(text: &str, negative: bool) -> Option<f64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (text, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let shaped = digits(whole)
        && digits(fraction)
        && (whole.len() + fraction.len() > 0)
        && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent));
    if !shaped {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match resolve(text.into()) {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Float(value) => format!("{value:?}"),
            Value::Text(text) => format!("\"{text}\""),
            Value::List(_) | Value::Map(_) => unreachable!("a scalar"),
        }
    }

    #[test]
    fn scalars_as_kubectl_reads_them() {
        let cases = [
            ("", "null"),
            ("~", "null"),
            ("yes", "true"),
            ("off", "false"),
            ("y", "\"y\""),
            ("yeS", "\"yeS\""),
            ("80", "80"),
            ("-80", "-80"),
            ("+80", "80"),
            ("--80", "\"--80\""),
            ("0755", "493"),
            ("0o17", "15"),
            ("0x1F", "31"),
            ("0b11", "3"),
            ("0x", "\"0x\""),
            ("0x+1", "\"0x+1\""),
            ("08", "8.0"),
            ("1_000", "1000"),
            ("1.5", "1.5"),
            ("-.5e3", "-500.0"),
            ("1e", "\"1e\""),
            (".", "\".\""),
            ("-", "\"-\""),
            ("1.2.3", "\"1.2.3\""),
            ("-.inf", "-inf"),
            (".nan", "NaN"),
            ("99999999999999999999", "1e20"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("2024-01-01T00:00:00Z", "\"2024-01-01T00:00:00Z\""),
            ("192.0.2.7", "\"192.0.2.7\""),
            ("/", "\"/\""),
        ];
        for (text, wanted) in cases {
            assert_eq!(shown(text), wanted, "{text}");
        }
    }
}
