//! The fields under the template, and the request that they make with it.

use crossterm::event::KeyEvent;

use crate::console::Defaults;
use crate::console::format::{parse_duration, words, write_duration};
use crate::console::widgets::input::Input;
use crate::dispatch::{Request, RowFormat, RowsFrom};
use crate::domain::{Limits, Money};
use crate::engine::handle::DEFAULT_PROVIDER;
use crate::provider::Descriptor;

/// One field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// The file with the rows.
    Rows,
    /// Inline values.
    Values,
    /// The provider.
    Provider,
    /// The model; for providers that run commands, the command line.
    Model,
    /// How many at once.
    Parallel,
    /// The budget.
    Budget,
    /// How long each may take.
    Timeout,
    /// What happens where the estimate exceeds the budget.
    Exceeding,
}

impl Field {
    /// In the order in which Tab goes through them.
    pub(super) const ALL: [Self; 8] = [
        Self::Rows,
        Self::Values,
        Self::Provider,
        Self::Model,
        Self::Parallel,
        Self::Budget,
        Self::Timeout,
        Self::Exceeding,
    ];

    /// Its name.
    pub(super) const fn name(self, runs_command: bool) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Values => "values",
            Self::Provider => "provider",
            Self::Model if runs_command => "command",
            Self::Model => "model",
            Self::Parallel => "parallel",
            Self::Budget => "budget $",
            Self::Timeout => "timeout",
            Self::Exceeding => "if above",
        }
    }

    /// What may stand there, while nothing does.
    pub(super) const fn example(self, runs_command: bool) -> &'static str {
        match self {
            Self::Rows => "file: .jsonl, .json, .csv",
            Self::Values => "name=value …",
            Self::Model if runs_command => "prog arg {{name}} …",
            Self::Model => "the provider's default",
            Self::Budget => "none",
            _ => "",
        }
    }

    /// Whether it has choices instead of text.
    pub(super) const fn has_choices(self) -> bool {
        matches!(self, Self::Provider | Self::Exceeding)
    }
}

/// The field after or before one; nothing is the template.
pub(super) fn next(from: Option<Field>, forward: bool) -> Option<Field> {
    let at = from.and_then(|field| Field::ALL.iter().position(|other| *other == field));
    let to = match (at, forward) {
        (None, true) => Some(0),
        (None, false) => Some(Field::ALL.len() - 1),
        (Some(at), true) => Some(at + 1),
        (Some(at), false) => at.checked_sub(1),
    };
    to.and_then(|to| Field::ALL.get(to)).copied()
}

/// All fields.
#[derive(Debug)]
pub(super) struct Fields {
    rows: Input,
    values: Input,
    provider: Option<String>,
    model: Input,
    parallel: Input,
    budget: Input,
    timeout: Input,
    partial: bool,
    limits: Limits,
}

impl Fields {
    /// With the configured defaults.
    pub(super) fn new(defaults: &Defaults) -> Self {
        let limits = defaults.limits.clone();
        Self {
            rows: Input::default(),
            values: Input::default(),
            provider: defaults.provider.clone(),
            model: Input::new(defaults.model.clone().unwrap_or_default()),
            parallel: Input::new(limits.max_parallel.to_string()),
            budget: Input::new(limits.max_total_cost_usd.map(|budget| budget.to_string()).unwrap_or_default()),
            timeout: Input::new(write_duration(limits.agent_timeout_ms)),
            partial: false,
            limits,
        }
    }

    /// Takes a provider where none is configured: that which the engine would take, else the first.
    pub(super) fn offer(&mut self, providers: &[Descriptor]) {
        if self.provider.is_none() {
            let usual = providers.iter().find(|provider| provider.name == DEFAULT_PROVIDER);
            self.provider = usual.or(providers.first()).map(|provider| provider.name.clone());
        }
    }

    /// The text of a field.
    pub(super) fn shown(&self, field: Field) -> &str {
        match field {
            Field::Provider => self.provider.as_deref().unwrap_or("none is configured"),
            Field::Exceeding => {
                if self.partial {
                    "run what fits"
                } else {
                    "refuse"
                }
            }
            _ => self.input(field).map_or("", Input::text),
        }
    }

    /// The input of a field that takes text.
    pub(super) fn input(&self, field: Field) -> Option<&Input> {
        match field {
            Field::Rows => Some(&self.rows),
            Field::Values => Some(&self.values),
            Field::Model => Some(&self.model),
            Field::Parallel => Some(&self.parallel),
            Field::Budget => Some(&self.budget),
            Field::Timeout => Some(&self.timeout),
            Field::Provider | Field::Exceeding => None,
        }
    }

    fn input_mut(&mut self, field: Field) -> Option<&mut Input> {
        match field {
            Field::Rows => Some(&mut self.rows),
            Field::Values => Some(&mut self.values),
            Field::Model => Some(&mut self.model),
            Field::Parallel => Some(&mut self.parallel),
            Field::Budget => Some(&mut self.budget),
            Field::Timeout => Some(&mut self.timeout),
            Field::Provider | Field::Exceeding => None,
        }
    }

    /// Comes to a field. A short value is selected, so that a number written over `10` is that number; a file
    /// or a list of values is longer to write again than to correct.
    pub(super) fn enter(&mut self, field: Field) {
        if matches!(field, Field::Parallel | Field::Budget | Field::Timeout)
            && let Some(input) = self.input_mut(field)
        {
            input.select();
        }
    }

    /// Takes a key; says whether the text changed.
    pub(super) fn key(&mut self, field: Field, key: KeyEvent) -> bool {
        self.input_mut(field).is_some_and(|input| input.key(key))
    }

    /// Takes text that was pasted.
    pub(super) fn paste(&mut self, field: Field, text: &str) {
        if let Some(input) = self.input_mut(field) {
            input.insert(text.trim());
        }
    }

    /// The next choice or the one before.
    pub(super) fn choose(&mut self, field: Field, forward: bool, providers: &[Descriptor]) {
        match field {
            Field::Exceeding => self.partial = !self.partial,
            Field::Provider if !providers.is_empty() => {
                let at = providers.iter().position(|p| Some(&p.name) == self.provider.as_ref()).unwrap_or(0);
                let step = if forward { 1 } else { providers.len() - 1 };
                let to = providers.get((at + step) % providers.len());
                self.provider = to.map(|provider| provider.name.clone());
                // A model of one provider means nothing to another.
                self.model.set("");
            }
            _ => {}
        }
    }

    fn descriptor<'a>(&self, providers: &'a [Descriptor]) -> Option<&'a Descriptor> {
        providers.iter().find(|provider| Some(&provider.name) == self.provider.as_ref())
    }

    /// Whether the provider runs a command line.
    pub(super) fn runs_command(&self, providers: &[Descriptor]) -> bool {
        self.descriptor(providers).is_some_and(|provider| provider.runs_command)
    }

    /// Whether the provider is simulated.
    pub(super) fn is_simulated(&self, providers: &[Descriptor]) -> bool {
        self.descriptor(providers).is_some_and(|provider| provider.simulated)
    }

    /// The request that the fields make with a template, or the field that is wrong and why.
    pub(super) fn request(
        &self,
        providers: &[Descriptor],
        template: String,
        by: &str,
    ) -> Result<Request, (Field, String)> {
        let at = |field: Field| move |problem: String| (field, problem);
        let runs_command = self.runs_command(providers);
        let model = self.model.text().trim();
        let command = if runs_command { words(model).map_err(at(Field::Model))? } else { Vec::new() };
        if runs_command && command.is_empty() {
            return Err((Field::Model, "write the command line that each task runs".to_owned()));
        }
        let default_model = || self.descriptor(providers).and_then(|provider| provider.default_model.clone());
        let model = Some(model.to_owned()).filter(|model| !model.is_empty() && !runs_command).or_else(default_model);
        Ok(Request {
            by: by.to_owned(),
            template: Some(template).filter(|template| !template.trim().is_empty()),
            template_origin: "the prompt".to_owned(),
            system: None,
            command,
            rows: rows(self.rows.text()).map_err(at(Field::Rows))?,
            inline: values(self.values.text()).map_err(at(Field::Values))?,
            repeat: 1,
            own_key: None,
            provider: self.provider.clone(),
            base_url: None,
            model,
            max_tokens: None,
            temperature: None,
            seed: None,
            agent: "default".to_owned(),
            limits: self.limits()?,
            partial: self.partial,
            use_cache: true,
            cache_process: false,
            allow_unused: false,
        })
    }

    fn limits(&self) -> Result<Limits, (Field, String)> {
        let parallel = self.parallel.text().trim();
        let max_parallel = parallel.parse().ok().filter(|number| *number > 0);
        let wrong = || (Field::Parallel, format!("`{parallel}` is no number of agents: write 1 or more"));
        let budget = Some(self.budget.text().trim()).filter(|text| !text.is_empty());
        let budget: Option<Money> = budget
            .map(str::parse)
            .transpose()
            .map_err(|error: crate::domain::MoneyError| (Field::Budget, error.to_string()))?;
        let timeout = parse_duration(self.timeout.text()).map_err(|problem| (Field::Timeout, problem))?;
        Ok(Limits {
            max_total_cost_usd: budget,
            max_parallel: max_parallel.ok_or_else(wrong)?,
            agent_timeout_ms: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
            ..self.limits.clone()
        })
    }
}

fn rows(text: &str) -> Result<Option<RowsFrom>, String> {
    let name = text.trim();
    if name.is_empty() {
        return Ok(None);
    }
    let path = std::path::PathBuf::from(name);
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
    let format = match ending.as_str() {
        "jsonl" | "ndjson" => RowFormat::Jsonl,
        "json" => RowFormat::Json,
        "csv" => RowFormat::Csv,
        _ => return Err(format!("{name}: the name must end in .jsonl, .json or .csv, which says how it is read")),
    };
    Ok(Some(RowsFrom { path, name: name.to_owned(), format }))
}

fn values(text: &str) -> Result<Vec<(String, String)>, String> {
    let pair = |word: String| match word.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("`{word}` is no value: write name=value, with quotes around spaces")),
    };
    words(text)?.into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        Fields::new(&Defaults { provider: Some("sim".to_owned()), model: None, limits: Limits::default() })
    }

    fn written(field: Field, text: &str) -> Result<Request, (Field, String)> {
        let mut fields = fields();
        fields.input_mut(field).expect("takes text").set(text);
        fields.request(&[], "Say {{word}}".to_owned(), "me")
    }

    #[test]
    fn what_is_written_is_what_is_asked_for() {
        let request = written(Field::Rows, " data/words.CSV ").expect("is right");
        assert_eq!(request.rows.map(|rows| rows.format), Some(RowFormat::Csv));
        let request = written(Field::Values, "word=hi other=\"two words\"").expect("is right");
        assert_eq!(request.inline, [("word", "hi"), ("other", "two words")].map(|(k, v)| (k.into(), v.into())));
        let request = written(Field::Budget, "0.05").expect("is right");
        assert_eq!(request.limits.max_total_cost_usd.map(|m| m.to_string()).as_deref(), Some("0.05"));
        assert_eq!(request.limits.agent_timeout_ms, 30_000);
    }

    #[test]
    fn a_number_written_in_a_field_that_was_come_to_replaces_the_default() {
        let mut fields = fields();
        fields.enter(Field::Parallel);
        fields.paste(Field::Parallel, "24");
        let request = fields.request(&[], "Say".to_owned(), "me").expect("is right");
        assert_eq!(request.limits.max_parallel, 24);
    }

    #[test]
    fn what_is_wrong_is_told_at_its_field() {
        for (field, text) in [
            (Field::Rows, "words.txt"),
            (Field::Values, "word"),
            (Field::Parallel, "0"),
            (Field::Parallel, "many"),
            (Field::Budget, "-1"),
            (Field::Budget, "NaN"),
            (Field::Timeout, "0s"),
        ] {
            let (at, problem) = written(field, text).expect_err(text);
            assert_eq!(at, field);
            assert!(!problem.is_empty());
        }
    }

    #[test]
    fn tab_goes_through_all_fields_and_back_to_the_template() {
        let mut at = None;
        for _ in 0..=Field::ALL.len() {
            at = next(at, true);
        }
        assert_eq!(at, None);
        assert_eq!(next(None, false), Some(Field::Exceeding));
        assert_eq!(next(Some(Field::Rows), false), None);
    }
}
