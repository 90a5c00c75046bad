//! A command line as words, split as a shell does it, without a shell: nothing is expanded, and
//! nothing but words comes of it.

/// Why a text is no command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// A quote is open at the end.
    #[error("has a {0} that is never closed")]
    Open(char),
    /// The last character is a backslash.
    #[error("ends with a backslash that nothing follows")]
    Backslash,
}

/// Splits at white space. `'…'` keeps all of it, `"…"` all but a backslash before `"`, `\`, `$`, a
/// backtick or the end of a line; a backslash outside keeps the next character (POSIX, Shell
/// Command Language, 2.2 Quoting). `$`, `*`, `|` and the like are characters as any other.
pub fn split(text: &str) -> Result<Vec<String>, WordsError> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' | '"' => quoted(&mut rest, c, word.get_or_insert_default())?,
            '\\' => match rest.next() {
                Some('\n') => {}
                Some(next) => word.get_or_insert_default().push(next),
                None => return Err(WordsError::Backslash),
            },
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(rest: &mut std::str::Chars<'_>, quote: char, word: &mut String) -> Result<(), WordsError> {
    while let Some(c) = rest.next() {
        match c {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => match rest.next() {
                Some('\n') => {}
                Some(next @ ('"' | '\\' | '$' | '`')) => word.push(next),
                Some(next) => word.extend(['\\', next]),
                None => return Err(WordsError::Open(quote)),
            },
            c => word.push(c),
        }
    }
    Err(WordsError::Open(quote))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_a_shell() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            (" \t\n", &[]),
            ("a  b\tc\nd", &["a", "b", "c", "d"]),
            ("jq -s 'map(.a) | length'", &["jq", "-s", "map(.a) | length"]),
            (r#"a"b c"'d e'f"#, &["ab cd ef"]),
            (r#""" '' x"#, &["", "", "x"]),
            (r#""\"\\\$\n""#, &[r#""\$\n"#]),
            (r"'\' \' a\ b", &[r"\", "'", "a b"]),
            ("a\\\nb", &["ab"]),
            ("$HOME *.rs | x # y", &["$HOME", "*.rs", "|", "x", "#", "y"]),
        ];
        for (text, words) in cases {
            assert_eq!(split(text).unwrap(), *words, "{text}");
        }
    }

    #[test]
    fn what_is_left_open_is_refused() {
        assert_eq!(split("a 'b"), Err(WordsError::Open('\'')));
        assert_eq!(split("\"b\\"), Err(WordsError::Open('"')));
        assert_eq!(split("a\\"), Err(WordsError::Backslash));
    }
}
