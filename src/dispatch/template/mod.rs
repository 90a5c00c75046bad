//! Templates: text with `{{ name }}` in it, in the language of Jinja, without access to files or
//! other templates.

mod render;
mod variables;

use std::fmt;

use minijinja::machinery::ast::{Expr, Stmt};
use minijinja::syntax::SyntaxConfig;
use serde_json::{Map, Value};

use self::render::Form;
use super::text::position;

pub use self::variables::Variable;

/// What is wrong with a template, or with what it makes of a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// It does not parse.
    #[error(
        "{origin}, line {line}, column {column}: {what}; to have {{{{ or {{% in the text itself, put \
         {{% raw %}} before it and {{% endraw %}} after it"
    )]
    Syntax {
        /// Where the template comes from.
        origin: String,
        /// The line, from 1.
        line: u64,
        /// The column, from 1, in characters.
        column: u64,
        /// What is wrong there.
        what: String,
    },
    /// It can't be rendered with these values.
    #[error("{origin}, line {line}, column {column}: {what}")]
    Render {
        /// Where the template comes from.
        origin: String,
        /// The line, from 1.
        line: u64,
        /// The column, from 1, in characters.
        column: u64,
        /// What is wrong there.
        what: String,
    },
    /// It goes on for too long.
    #[error("{origin}: the template does not come to an end within {steps} steps: loop over less")]
    Endless {
        /// Where the template comes from.
        origin: String,
        /// How many steps it was given.
        steps: u64,
    },
    /// It makes too much text.
    #[error("{origin}: the template makes more than {most} MiB of text: no request can be that long")]
    TooLong {
        /// Where the template comes from.
        origin: String,
        /// The most that is allowed, in MiB.
        most: usize,
    },
}

/// A template, compiled once and rendered for every row.
pub struct Template {
    origin: String,
    source: String,
    variables: Vec<Variable>,
    form: Form,
}

impl Template {
    /// Compiles `text`. `origin` says in messages where it comes from.
    pub fn parse(text: &str, origin: &str) -> Result<Self, TemplateError> {
        let tree = minijinja::machinery::parse(text, "template", syntax()).map_err(|e| unparsed(&e, text, origin))?;
        let variables = variables::find(&tree, text);
        let form = match plain_form(&tree) {
            Some(form) => form,
            None => Form::compile(text).map_err(|e| unparsed(&e, text, origin))?,
        };
        Ok(Self { origin: origin.to_owned(), source: text.to_owned(), variables, form })
    }

    /// The text that it was made from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Where it comes from.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The names that it takes from a row, in the order in which they first appear.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// Fills the template. Strings appear as they are, everything else as JSON; a name that is not
    /// in `values` is an error.
    pub fn render(&self, values: &Map<String, Value>) -> Result<String, TemplateError> {
        self.form.render(values, self)
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").field("origin", &self.origin).field("source", &self.source).finish_non_exhaustive()
    }
}

/// A template shows its text as it was written, the last newline included: for a process it is
/// standard input, where that newline counts.
fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder().keep_trailing_newline(true).build().unwrap_or_default()
}

/// Nearly all templates are only text and names: those need no engine to be rendered.
fn plain_form(tree: &Stmt<'_>) -> Option<Form> {
    let Stmt::Template(template) = tree else { return None };
    let mut form = Form::plain();
    for statement in &template.children {
        match statement {
            Stmt::EmitRaw(raw) => form.push_text(raw.raw),
            Stmt::EmitExpr(emit) => match &emit.expr {
                Expr::Var(var) => form.push_name(var.id),
                _ => return None,
            },
            _ => return None,
        }
    }
    Some(form)
}

fn unparsed(error: &minijinja::Error, text: &str, origin: &str) -> TemplateError {
    let (line, column) = place(error, text);
    TemplateError::Syntax { origin: origin.to_owned(), line, column, what: said(error) }
}

fn place(error: &minijinja::Error, text: &str) -> (u64, u64) {
    match error.range() {
        Some(range) => position(text, range.start),
        None => (error.line().unwrap_or(1) as u64, 1),
    }
}

fn said(error: &minijinja::Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
