//! Rendering: a fast form for text and names, and the engine for everything else.

use std::io;

use minijinja::value::{Serde, ValueKind};
use minijinja::{AutoEscape, Environment, ErrorKind, Output, State, UndefinedBehavior};
use serde_json::{Map, Value};

use super::{Template, TemplateError, place, said, syntax};
use crate::dispatch::text::{position, shown};

/// How many instructions a template may take: far more than any prompt needs, some tens of
/// milliseconds of work.
const STEPS: u64 = 1_000_000;
/// The most text that a template may make, in MiB: larger than any request that a provider takes.
const MOST_MIB: usize = 16;
const MOST: usize = MOST_MIB << 20;
/// The engine knows its templates by name; ours has only one.
const NAME: &str = "template";

pub(super) enum Form {
    /// Only text and names.
    Plain(Vec<Piece>),
    /// Anything else.
    Full(Box<Environment<'static>>),
}

pub(super) enum Piece {
    Text(String),
    Name(String),
}

impl Form {
    pub(super) const fn plain() -> Self {
        Self::Plain(Vec::new())
    }

    pub(super) fn push_text(&mut self, text: &str) {
        if let Self::Plain(pieces) = self {
            pieces.push(Piece::Text(text.to_owned()));
        }
    }

    pub(super) fn push_name(&mut self, name: &str) {
        if let Self::Plain(pieces) = self {
            pieces.push(Piece::Name(name.to_owned()));
        }
    }

    pub(super) fn compile(text: &str) -> Result<Self, minijinja::Error> {
        let mut engine = Environment::new();
        engine.set_undefined_behavior(UndefinedBehavior::Strict);
        engine.set_auto_escape_callback(|_| AutoEscape::None);
        engine.set_formatter(write_value);
        engine.set_fuel(Some(STEPS));
        engine.set_syntax(syntax());
        engine.set_debug(true);
        engine.add_template_owned(NAME, text.to_owned())?;
        Ok(Self::Full(Box::new(engine)))
    }

    pub(super) fn render(&self, values: &Map<String, Value>, of: &Template) -> Result<String, TemplateError> {
        match self {
            Self::Plain(pieces) => plain(pieces, values, of),
            Self::Full(engine) => full(engine, values, of),
        }
    }
}

fn plain(pieces: &[Piece], values: &Map<String, Value>, of: &Template) -> Result<String, TemplateError> {
    let mut text = String::with_capacity(of.source.len() * 2);
    for piece in pieces {
        match piece {
            Piece::Text(piece) => text.push_str(piece),
            Piece::Name(name) => text.push_str(&shown(values.get(name).ok_or_else(|| missing(name, of))?)),
        }
    }
    if text.len() > MOST { Err(too_long(of)) } else { Ok(text) }
}

fn missing(name: &str, of: &Template) -> TemplateError {
    let first = of.variables.iter().find(|variable| variable.name == name).and_then(|v| v.spans.first());
    let (line, column) = position(&of.source, first.map_or(0, |span| span.start));
    TemplateError::Render { origin: of.origin.clone(), line, column, what: format!("there is no value `{name}`") }
}

fn too_long(of: &Template) -> TemplateError {
    TemplateError::TooLong { origin: of.origin.clone(), most: MOST_MIB }
}

fn full(engine: &Environment<'_>, values: &Map<String, Value>, of: &Template) -> Result<String, TemplateError> {
    let named = |name: &str| values.get(name).map(|value| (name.to_owned(), minijinja::Value::from(Serde(value))));
    let context = minijinja::Value::from_pairs(of.variables.iter().filter_map(|variable| named(&variable.name)));
    let mut page = Page { text: Vec::with_capacity(of.source.len() * 2), full: false };
    let rendered = engine.get_template(NAME).and_then(|t| t.render_captured_to(context, &mut page).map(|_| ()));
    match rendered {
        _ if page.full => Err(too_long(of)),
        Ok(()) => {
            Ok(String::from_utf8(page.text).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
        }
        Err(error) => Err(unrendered(&error, of)),
    }
}

fn unrendered(error: &minijinja::Error, of: &Template) -> TemplateError {
    let origin = of.origin.clone();
    if error.kind() == ErrorKind::OutOfFuel {
        return TemplateError::Endless { origin, steps: STEPS };
    }
    let (line, column) = place(error, &of.source);
    let what = match error.kind() {
        ErrorKind::UndefinedError => match error.range().and_then(|range| of.source.get(range)) {
            Some(expression) => format!("there is no value `{}`", expression.trim_start_matches('.')),
            None => "a value is missing".to_owned(),
        },
        _ => said(error),
    };
    TemplateError::Render { origin, line, column, what }
}

/// Shows a value as [`shown`] does.
fn write_value(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &minijinja::Value) -> Result<(), minijinja::Error> {
    match (value.as_str(), value.kind()) {
        (Some(text), _) => out.write_str(text)?,
        (None, ValueKind::Undefined) => return Err(ErrorKind::UndefinedError.into()),
        (None, ValueKind::Plain | ValueKind::Invalid | ValueKind::Bytes) => {
            return Err(minijinja::Error::new(ErrorKind::BadSerialization, "this is no value that can be shown"));
        }
        (None, _) => {
            let json = serde_json::to_string(value)
                .map_err(|e| minijinja::Error::new(ErrorKind::BadSerialization, e.to_string()))?;
            out.write_str(&json)?;
        }
    }
    Ok(())
}

/// What is written so far; it takes no more than [`MOST`].
struct Page {
    text: Vec<u8>,
    full: bool,
}

impl io::Write for Page {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if self.text.len() + piece.len() > MOST {
            self.full = true;
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        self.text.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
