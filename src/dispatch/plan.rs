//! A dispatch, checked as far as it can be without its rows.

use std::io::BufRead;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::Request;
use super::check::{Check, CheckError};
use super::expand::Expand;
use super::input::{self, InputError};
use super::key::{Identity, KeyError, Keys};
use super::rows::{self, Place, RowError, Rows};
use super::template::{Template, TemplateError};

/// Why a dispatch can't be sent: nothing of it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// There is nothing to ask.
    #[error("there is nothing to send: give a TEMPLATE, --template-file FILE, or a command after --")]
    Nothing,
    /// No replica at all.
    #[error("--repeat 0 sends nothing: repeat at least once")]
    NoReplica,
    /// A template is wrong.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// An inline value is wrong.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A row is wrong.
    #[error(transparent)]
    Row(#[from] RowError),
    /// Templates and rows do not fit together.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// A key is wrong.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A row can't be rendered.
    #[error("{place}: {problem}")]
    Render {
        /// Which row.
        place: Box<Place>,
        /// What is wrong.
        problem: RenderError,
    },
    /// More tasks than can be numbered.
    #[error("{rows}: there are more than {} tasks: split the rows", u32::MAX)]
    TooMany {
        /// How the rows are called.
        rows: String,
    },
}

/// Why a row does not make a task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A template has no answer for it.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The system takes no zero byte in a command line.
    #[error("{0} has a zero byte in it, which no command line can have: change the value")]
    ZeroByte(String),
    /// There is no program to run.
    #[error("{0} is empty with these values: there is nothing to run")]
    NoProgram(String),
}

/// The templates of a run, compiled.
#[derive(Debug)]
pub struct Templates {
    template: Option<Template>,
    system: Option<Template>,
    command: Vec<Template>,
}

/// What the templates make of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The prompt; for a process agent, what goes to its standard input.
    pub prompt: Option<Arc<str>>,
    /// The system prompt.
    pub system: Option<Arc<str>>,
    /// The command line of a process agent: program and arguments, nothing to be parsed.
    pub argv: Arc<[String]>,
}

impl Templates {
    /// Compiles the templates of a run. `origin` says in messages where `template` comes from.
    pub fn parse(
        template: Option<&str>,
        origin: &str,
        system: Option<&str>,
        command: &[String],
    ) -> Result<Self, TemplateError> {
        let part = |(number, text): (usize, &String)| match number {
            0 => Template::parse(text, "the program of the command"),
            _ => Template::parse(text, &format!("argument {number} of the command")),
        };
        Ok(Self {
            template: template.map(|text| Template::parse(text, origin)).transpose()?,
            system: system.map(|text| Template::parse(text, "the system prompt")).transpose()?,
            command: command.iter().enumerate().map(part).collect::<Result<_, _>>()?,
        })
    }

    /// The prompt template.
    pub fn template(&self) -> Option<&Template> {
        self.template.as_ref()
    }

    /// The template of the system prompt.
    pub fn system(&self) -> Option<&Template> {
        self.system.as_ref()
    }

    /// The templates of the command line.
    pub fn command(&self) -> &[Template] {
        &self.command
    }

    /// All templates.
    pub fn all(&self) -> impl Iterator<Item = &Template> {
        self.template.iter().chain(&self.system).chain(&self.command)
    }

    /// Fills all templates with the values of one row.
    pub fn render(&self, values: &Map<String, Value>) -> Result<Rendered, RenderError> {
        let text = |template: &Option<Template>| template.as_ref().map(|t| t.render(values).map(Arc::from)).transpose();
        let argv = self.command.iter().map(|part| argument(part, values)).collect::<Result<Arc<[String]>, _>>()?;
        match (self.command.first(), argv.first()) {
            (Some(program), Some(name)) if name.is_empty() => Err(RenderError::NoProgram(program.origin().to_owned())),
            _ => Ok(Rendered { prompt: text(&self.template)?, system: text(&self.system)?, argv }),
        }
    }
}

fn argument(template: &Template, values: &Map<String, Value>) -> Result<String, RenderError> {
    let text = template.render(values)?;
    if text.contains('\0') { Err(RenderError::ZeroByte(template.origin().to_owned())) } else { Ok(text) }
}

/// A dispatch whose templates are compiled and whose rows can be read.
#[derive(Debug)]
pub struct Plan<'r> {
    request: &'r Request,
    templates: Templates,
}

impl<'r> Plan<'r> {
    /// Checks all of a request that can be checked without its rows.
    pub fn new(request: &'r Request) -> Result<Self, PlanError> {
        if request.template.is_none() && request.command.is_empty() {
            return Err(PlanError::Nothing);
        }
        if request.repeat == 0 {
            return Err(PlanError::NoReplica);
        }
        input::distinct(&request.inline)?;
        let (template, system) = (request.template.as_deref(), request.system.as_deref());
        let templates = Templates::parse(template, &request.template_origin, system, &request.command)?;
        Ok(Self { request, templates })
    }

    /// The templates.
    pub fn templates(&self) -> &Templates {
        &self.templates
    }

    /// The rows of the request, streamed from `reader`, which has `request.rows` open. Without a
    /// file, the inline values are the one row.
    pub fn rows<R: BufRead>(&self, reader: Option<R>) -> Rows<R> {
        let inline = self.request.inline.clone();
        match (&self.request.rows, reader) {
            (Some(from), Some(reader)) => rows::read(reader, from.format, &from.name).with_inline(inline),
            _ => rows::inline(inline),
        }
    }

    /// Turns rows into tasks, one at a time. Where `share` is set, a task with the key of an
    /// earlier one points to it; otherwise each runs by itself.
    pub fn expand<R: BufRead>(&self, rows: Rows<R>, identity: &Identity<'_>, share: bool) -> Expand<'_, R> {
        let own = self.request.own_key.as_deref();
        let check = Check::new(rows.name(), self.templates.all(), own, self.request.allow_unused);
        let keys = Keys::new(rows.name(), &self.templates, identity, own);
        Expand::new(rows, &self.templates, check, keys, self.request.repeat, share)
    }
}
