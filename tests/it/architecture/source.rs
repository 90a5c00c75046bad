//! Enough of Rust's grammar to see which paths a file names: tokens, test code, and `use` trees.

/// One token: an identifier, `::`, `->`, or a single character. Comments and literals leave none, except
/// that a literal is kept as `""`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// A path that a file names, as seen from the root of its crate or of another crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) line: usize,
    pub(crate) target: Target,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Into this crate: the segments after `crate`.
    Crate(Vec<String>),
    /// Elsewhere, or relative to what the file imported: all segments as written.
    Other(Vec<String>),
}

/// The tokens of a source text.
pub(crate) fn tokens(source: &str) -> Vec<Token> {
    let mut lexer = Lexer { rest: source, line: 1, out: Vec::new() };
    while !lexer.rest.is_empty() {
        lexer.step();
    }
    lexer.out
}

struct Lexer<'a> {
    rest: &'a str,
    line: usize,
    out: Vec<Token>,
}

impl Lexer<'_> {
    fn step(&mut self) {
        let rest = self.rest;
        let first = rest.chars().next().unwrap();
        if rest.starts_with("//") {
            self.take(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.take(block_comment(rest));
        } else if let Some(length) = raw_string(rest) {
            self.emit_literal(length);
        } else if let Some(name) = rest.strip_prefix("r#").filter(|name| name.starts_with(is_word)) {
            self.take(2);
            self.emit(word_length(name));
        } else if first == '"' || rest.starts_with("b\"") || rest.starts_with("c\"") {
            let quote = rest.find('"').unwrap();
            self.emit_literal(quote + quoted(&rest[quote..], '"'));
        } else if first == '\'' || rest.starts_with("b'") {
            let quote = rest.find('\'').unwrap();
            match character(&rest[quote..]) {
                Some(length) => self.emit_literal(quote + length),
                None => self.take(quote + 1 + word_length(&rest[quote + 1..])),
            }
        } else if is_word(first) {
            self.emit(word_length(rest));
        } else if rest.starts_with("::") || rest.starts_with("->") {
            self.emit(2);
        } else if first.is_whitespace() {
            self.take(first.len_utf8());
        } else {
            self.emit(first.len_utf8());
        }
    }

    fn take(&mut self, length: usize) {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.matches('\n').count();
        self.rest = rest;
    }

    fn emit(&mut self, length: usize) {
        self.out.push(Token { text: self.rest[..length].to_owned(), line: self.line });
        self.take(length);
    }

    fn emit_literal(&mut self, length: usize) {
        self.out.push(Token { text: "\"\"".to_owned(), line: self.line });
        self.take(length);
    }
}

fn is_word(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

fn word_length(text: &str) -> usize {
    text.find(|c| !is_word(c)).unwrap_or(text.len())
}

/// The length of a block comment; they nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of a raw string, where one starts here.
fn raw_string(text: &str) -> Option<usize> {
    let body = ["r", "br", "cr"].iter().find_map(|prefix| text.strip_prefix(prefix))?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let inside = body[hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = inside.find(&close).map_or(inside.len(), |at| at + close.len());
    Some(text.len() - inside.len() + end)
}

/// The length of a literal between quotes, both included.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return at + c.len_utf8();
        }
    }
    text.len()
}

/// The length of a character literal; nothing where the quote begins a lifetime.
fn character(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    let (_, first) = chars.next()?;
    let (second_at, second) = chars.next()?;
    if first == '\\' { Some(quoted(text, '\'')) } else { (second == '\'').then_some(second_at + 1) }
}

/// The tokens that are compiled into the product, and the names of modules that are not: those
/// declared as `#[cfg(test)] mod name;`.
pub(crate) fn without_tests(tokens: &[Token]) -> (Vec<Token>, Vec<String>) {
    let mut kept = Vec::new();
    let mut test_modules = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match attribute(tokens, at) {
            Some((end, true)) if text(tokens, at + 1) == "!" && end > at => return (Vec::new(), test_modules),
            Some((end, true)) => {
                let item = skip_attributes(tokens, end);
                if let Some(name) = declared_module(tokens, item) {
                    test_modules.push(name);
                }
                at = item_end(tokens, item);
            }
            Some((end, false)) => {
                kept.extend_from_slice(&tokens[at..end]);
                at = end;
            }
            None => {
                kept.push(tokens[at].clone());
                at += 1;
            }
        }
    }
    (kept, test_modules)
}

/// The modules that a file declares as files of their own: `mod name;`.
pub(crate) fn declared_modules(tokens: &[Token]) -> Vec<String> {
    (0..tokens.len()).filter_map(|at| (text(tokens, at) == "mod").then(|| module_file(tokens, at)).flatten()).collect()
}

/// The attribute that starts here: where it ends, and whether it keeps its item out of the product.
fn attribute(tokens: &[Token], at: usize) -> Option<(usize, bool)> {
    if text(tokens, at) != "#" {
        return None;
    }
    let open = if text(tokens, at + 1) == "!" { at + 2 } else { at + 1 };
    if text(tokens, open) != "[" {
        return None;
    }
    let end = closing(tokens, open);
    let inside = &tokens[open..end];
    let has = |word: &str| inside.iter().any(|token| token.text == word);
    Some((end, text(tokens, open + 1) == "cfg" && has("test") && !has("not")))
}

fn skip_attributes(tokens: &[Token], mut at: usize) -> usize {
    while let Some((end, _)) = attribute(tokens, at) {
        at = end;
    }
    at
}

fn declared_module(tokens: &[Token], at: usize) -> Option<String> {
    let item = &tokens[at.min(tokens.len())..item_end(tokens, at)];
    let found = item.iter().position(|token| token.text == "mod")?;
    module_file(item, found)
}

fn module_file(tokens: &[Token], at: usize) -> Option<String> {
    (text(tokens, at + 2) == ";").then(|| text(tokens, at + 1).to_owned())
}

/// One past the `;` or the `}` that ends the item.
fn item_end(tokens: &[Token], mut at: usize) -> usize {
    while at < tokens.len() {
        match text(tokens, at) {
            ";" => return at + 1,
            "{" => return closing(tokens, at),
            "(" | "[" => at = closing(tokens, at),
            _ => at += 1,
        }
    }
    at
}

/// One past the bracket that closes the one here.
pub(crate) fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

pub(crate) fn text(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| token.text.as_str())
}

/// Every path of at least two segments that the tokens of `module` name, `use` trees unfolded.
pub(crate) fn paths(tokens: &[Token], module: &[String]) -> Vec<Named> {
    let mut found = Vec::new();
    let mut here = module.to_vec();
    let mut inline_ends = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        while inline_ends.last() == Some(&at) {
            inline_ends.pop();
            here.pop();
        }
        if text(tokens, at) == "mod" && text(tokens, at + 2) == "{" {
            here.push(text(tokens, at + 1).to_owned());
            inline_ends.push(closing(tokens, at + 2));
            at += 3;
        } else if let Some(start) = path_start(tokens, at) {
            let mut unfolded = Vec::new();
            let line = tokens[at].line;
            at = unfold(tokens, start, Vec::new(), &mut unfolded);
            found.extend(unfolded.into_iter().map(|path| Named { line, target: resolve(&here, path) }));
        } else {
            at += 1;
        }
    }
    found
}

/// Where the tree of paths begins, if a `use` or a path in an expression or a type is here.
fn path_start(tokens: &[Token], at: usize) -> Option<usize> {
    let here = text(tokens, at);
    if here == "use" {
        let start = if text(tokens, at + 1) == "::" { at + 2 } else { at + 1 };
        let first = text(tokens, start);
        return (first == "{" || first.starts_with(is_word)).then_some(start);
    }
    // `<T as Trait>::name` ends in what is no path of its own.
    let is_tail = at > 1 && text(tokens, at - 1) == "::" && text(tokens, at - 2) == ">";
    (here.starts_with(is_word) && text(tokens, at + 1) == "::" && !is_tail).then_some(at)
}

/// Unfolds the tree of paths that starts here, and says where it ends.
fn unfold(tokens: &[Token], mut at: usize, mut prefix: Vec<String>, out: &mut Vec<Vec<String>>) -> usize {
    loop {
        match text(tokens, at) {
            "{" => {
                let end = closing(tokens, at);
                at += 1;
                while at + 1 < end {
                    let next = unfold(tokens, at, prefix.clone(), out);
                    at = next.max(at + 1);
                    if text(tokens, at) == "," {
                        at += 1;
                    }
                }
                return end;
            }
            segment if segment == "*" || segment.starts_with(is_word) => prefix.push(segment.to_owned()),
            _ => {
                out.push(prefix);
                return at;
            }
        }
        let next = text(tokens, at + 2);
        if text(tokens, at + 1) == "::" && (next == "{" || next == "*" || next.starts_with(is_word)) {
            at += 2;
        } else {
            out.push(prefix);
            return if text(tokens, at + 1) == "as" { at + 3 } else { at + 1 };
        }
    }
}

fn resolve(module: &[String], path: Vec<String>) -> Target {
    let mut base = match path.first().map(String::as_str) {
        Some("crate" | "flightdeck") => Vec::new(),
        Some("self" | "super") => module.to_vec(),
        _ => return Target::Other(path),
    };
    for segment in path {
        match segment.as_str() {
            "crate" | "flightdeck" | "self" => {}
            "super" => drop(base.pop()),
            _ => base.push(segment),
        }
    }
    Target::Crate(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(source: &str, module: &str) -> Vec<String> {
        let module: Vec<String> = module.split("::").map(str::to_owned).collect();
        let (kept, _) = without_tests(&tokens(source));
        paths(&kept, &module)
            .into_iter()
            .map(|named| match named.target {
                Target::Crate(path) => format!("{}: crate::{}", named.line, path.join("::")),
                Target::Other(path) => format!("{}: {}", named.line, path.join("::")),
            })
            .collect()
    }

    #[test]
    fn a_use_tree_unfolds() {
        let source = "use crate::{a, b::{c as d, e::*}, f::{self},};\nuse std::{fs, io::Read};";
        let expected =
            ["1: crate::a", "1: crate::b::c", "1: crate::b::e::*", "1: crate::f", "2: std::fs", "2: std::io::Read"];
        assert_eq!(named(source, "x"), expected);
    }

    #[test]
    fn inline_paths_are_seen() {
        let source = "fn f(x: crate::a::B<crate::c::D>) -> ::tokio::X { $crate::e::g!(<Y as crate::h::Z>::new()) }";
        let expected = ["1: crate::a::B", "1: crate::c::D", "1: tokio::X", "1: crate::e::g", "1: crate::h::Z"];
        assert_eq!(named(source, "x"), expected);
    }

    #[test]
    fn super_climbs_from_where_it_stands() {
        let source = "use super::b::X;\nmod inner { use super::super::c; use self::d::e; }\nuse super::super::f::g;";
        let expected = ["1: crate::a::b::X", "2: crate::a::c", "2: crate::a::here::inner::d::e", "3: crate::f::g"];
        assert_eq!(named(source, "a::here"), expected);
    }

    #[test]
    fn a_single_name_that_is_used_is_a_path() {
        assert_eq!(named("use tokio;\nuse {rand, super::y};", "a::b"), ["1: tokio", "2: rand", "2: crate::a::y"]);
    }

    #[test]
    fn comments_and_literals_name_nothing() {
        let source = r###"
            // use crate::a;
            /* use crate::b; /* nested */ use crate::c; */
            const A: &str = "use crate::d; \\\" crate::e";
            const B: &str = r##"crate::f " "# crate::g"##;
            const C: (char, &'static [u8]) = ('"', b"crate::h");
            const D: char = '\'';
            use crate::seen::X;
        "###;
        assert_eq!(named(source, "x"), ["8: crate::seen::X"]);
    }

    #[test]
    fn test_code_is_left_out_and_nothing_else() {
        let source = "
            #[cfg(test)] use crate::a::A;
            use crate::b::B;
            #[cfg(test)] #[path = \"x.rs\"] mod far;
            #[cfg(all(test, unix))] mod near { use crate::c::C; fn f() { if true {} } }
            #[cfg(not(test))] use crate::d::D;
            #[derive(Debug)] struct S { x: crate::e::E }
        ";
        assert_eq!(named(source, "x"), ["3: crate::b::B", "6: crate::d::D", "7: crate::e::E"]);
        assert_eq!(without_tests(&tokens(source)).1, ["far"]);
        assert_eq!(named("#![cfg(test)]\nuse crate::a::A;", "x"), [""; 0]);
    }

    #[test]
    fn modules_of_their_own_files_are_seen() {
        let source = "mod a; pub(crate) mod b; mod c { mod d; } // mod e;\n mod r#loop;";
        assert_eq!(declared_modules(&tokens(source)), ["a", "b", "d", "loop"]);
    }
}
