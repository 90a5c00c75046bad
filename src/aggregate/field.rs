//! Where a value is in JSON: `answer`, `usage.output_tokens`, `findings[0].severity`.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// A path into JSON: names with dots between them, and indexes from 0 in brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    text: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
}

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no field: {problem} at character {at}; write a name, or a path such as a.b[0].c")]
pub struct FieldError {
    text: String,
    problem: &'static str,
    /// From 1.
    at: usize,
}

impl FromStr for Field {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        let mut steps = Vec::new();
        let mut rest = text;
        loop {
            let wrong = |problem| FieldError {
                text: text.to_owned(),
                problem,
                at: text.chars().count() - rest.chars().count() + 1,
            };
            if let Some(inside) = rest.strip_prefix('[') {
                let (number, after) = inside.split_once(']').ok_or_else(|| wrong("a `[` without its `]`"))?;
                let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
                let index =
                    number.parse().ok().filter(|_| digits).ok_or_else(|| wrong("an index that is no number"))?;
                steps.push(Step::Index(index));
                rest = after;
            } else {
                let end = rest.find(['.', '[', ']']).unwrap_or(rest.len());
                let (name, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
                if name.is_empty() {
                    return Err(wrong("a name is missing"));
                }
                steps.push(Step::Name(name.to_owned()));
                rest = after;
            }
            match rest.strip_prefix('.') {
                Some(after) => rest = after,
                None if rest.is_empty() => return Ok(Self { text: text.to_owned(), steps }),
                None if rest.starts_with('[') => {}
                None => {
                    let at = text.chars().count() - rest.chars().count() + 1;
                    return Err(FieldError { text: text.to_owned(), problem: "a dot is missing", at });
                }
            }
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Field {
    /// The value there, if anything is there.
    #[must_use]
    pub fn find<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.steps.iter().try_fold(value, |value, step| match step {
            Step::Name(name) => value.as_object()?.get(name),
            Step::Index(index) => value.as_array()?.get(*index),
        })
    }

    /// Its first name; empty where it begins with an index.
    pub(super) fn root(&self) -> &str {
        match self.steps.first() {
            Some(Step::Name(name)) => name,
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_leads_to_its_value() {
        let value = json!({"a": {"b": [{"c": 1}, 2]}, "two words": 3, "0": 4});
        for (path, found) in [
            ("a.b[0].c", Some(json!(1))),
            ("a.b[1]", Some(json!(2))),
            ("two words", Some(json!(3))),
            ("0", Some(json!(4))),
            ("a.b[2]", None),
            ("a.b.c", None),
            ("a.c", None),
            ("a[0]", None),
            ("a.b[99999999999999999]", None),
        ] {
            assert_eq!(path.parse::<Field>().unwrap().find(&value).cloned(), found, "{path}");
        }
        let list = json!([[1, 2]]);
        assert_eq!("[0][1]".parse::<Field>().unwrap().find(&list), Some(&json!(2)));
        assert_eq!("[0].[1]".parse::<Field>().unwrap().find(&list), Some(&json!(2)));
    }

    #[test]
    fn what_is_no_path_is_refused_where_it_is_wrong() {
        for (path, at) in [
            ("", 1),
            (".a", 1),
            ("a.", 3),
            ("a..b", 3),
            ("a[", 2),
            ("a[]", 2),
            ("a[-1]", 2),
            ("a[+1]", 2),
            ("a[0]b", 5),
            ("é]", 2),
        ] {
            assert_eq!(path.parse::<Field>().map_err(|error| error.at), Err(at), "{path}");
        }
    }
}
