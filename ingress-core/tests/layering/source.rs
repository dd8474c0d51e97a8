//! What a source file names: its paths and its texts, without comments and without its tests.

/// The paths and string literals of one file.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// What starts with `crate`, `self`, `super`, `std`, or the name of a crate; groups are resolved.
    pub(crate) paths: Vec<Vec<String>>,
    pub(crate) texts: Vec<String>,
    pub(crate) words: Vec<String>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    /// `::` is one of them, all others are single characters.
    Sign(&'static str, char),
}

const PATH: Token = Token::Sign("::", ':');

impl Source {
    pub(crate) fn read(text: &str) -> Self {
        let tokens = without_tests(&tokens(text));
        let mut source = Self::default();
        for (at, token) in tokens.iter().enumerate() {
            match token {
                Token::Word(word) => {
                    source.words.push(word.clone());
                    let starts = tokens.get(at + 1) == Some(&PATH) && (at == 0 || tokens[at - 1] != PATH);
                    if starts {
                        read_path(&tokens, at, &[], &mut source.paths);
                    }
                }
                Token::Text(text) => source.texts.push(text.clone()),
                Token::Sign(..) => {}
            }
        }
        source
    }
}

/// Reads the path, or the tree of paths, at `at`; gives the place behind it.
fn read_path(tokens: &[Token], mut at: usize, before: &[String], paths: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    loop {
        match tokens.get(at) {
            Some(Token::Word(word)) => path.push(word.clone()),
            Some(Token::Sign(_, '*')) => path.push("*".to_owned()),
            Some(Token::Sign(_, '{')) => {
                at += 1;
                while !matches!(tokens.get(at), None | Some(Token::Sign(_, '}'))) {
                    let next = read_path(tokens, at, &path, paths);
                    at = if next == at { at + 1 } else { next };
                }
                return at + 1;
            }
            _ => return at,
        }
        at += 1;
        if tokens.get(at) == Some(&PATH) {
            at += 1;
        } else {
            paths.push(path);
            return at;
        }
    }
}

/// Drops items that are marked as tests.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let marked = |at: usize| {
        let word = |offset: usize, wanted: &str| matches!(tokens.get(at + offset), Some(Token::Word(word)) if word == wanted);
        let sign = |offset: usize, wanted| matches!(tokens.get(at + offset), Some(Token::Sign(_, sign)) if *sign == wanted);
        sign(0, '#') && sign(1, '[') && word(2, "cfg") && sign(3, '(') && word(4, "test") && sign(5, ')')
    };
    let mut kept = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if marked(at) {
            at += 7;
            let mut depth = 0;
            while let Some(token) = tokens.get(at) {
                at += 1;
                match token {
                    Token::Sign(_, '{') => depth += 1,
                    Token::Sign(_, '}') => depth -= 1,
                    _ => {}
                }
                if depth == 0 && matches!(token, Token::Sign(_, '}' | ';')) {
                    break;
                }
            }
        } else {
            kept.push(token.clone());
            at += 1;
        }
    }
    kept
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        } else if rest.starts_with("/*") {
            rest = rest.split_once("*/").map_or("", |(_, rest)| rest);
        } else if let Some((text, after)) = literal(rest) {
            tokens.push(Token::Text(text.to_owned()));
            rest = after;
        } else if let Some(after) = character(rest) {
            rest = after;
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else if let Some(after) = rest.strip_prefix("::") {
            tokens.push(PATH);
            rest = after;
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Sign("", first));
            }
            rest = &rest[first.len_utf8()..];
        }
    }
    tokens
}

/// A string literal of whatever kind, and what follows it.
fn literal(text: &str) -> Option<(&str, &str)> {
    let body = text.trim_start_matches(['b', 'c']);
    if text.len() - body.len() > 1 {
        return None;
    }
    if let Some(raw) = body.strip_prefix('r') {
        let inner = raw.trim_start_matches('#');
        let hashes = &raw[..raw.len() - inner.len()];
        let inner = inner.strip_prefix('"')?;
        let end = inner.find(&format!("\"{hashes}"))?;
        return Some((&inner[..end], &inner[end + 1 + hashes.len()..]));
    }
    let inner = body.strip_prefix('"')?;
    let mut escaped = false;
    let end = inner.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    Some((&inner[..end], &inner[end + 1..]))
}

/// What follows a character literal; a lifetime is none.
fn character(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("b'").or_else(|| text.strip_prefix('\''))?;
    if let Some(escape) = inner.strip_prefix('\\') {
        let end = escape.char_indices().skip(1).find(|(_, c)| *c == '\'')?.0;
        return Some(&escape[end + 1..]);
    }
    inner.chars().next().and_then(|c| inner[c.len_utf8()..].strip_prefix('\''))
}
