//! Texts of runs: compiled templates, and what was sealed or opened a moment ago.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::dispatch::{RenderError, Rendered, TemplateError, Templates};
use crate::domain::effect::CallOrder;
use crate::domain::transcript::Role;
use crate::domain::{AgentId, ContentRef, RunId, RunSpec};
use crate::provider::{ChatMessage, Request};
use crate::store::{Store, StoreError};

/// How many bytes of texts are remembered. A text that is not is read from the store again.
const REMEMBERED: usize = 32 * 1024 * 1024;

/// Why a request could not be put together.
#[derive(Debug, thiserror::Error)]
pub(super) enum TextError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Render(#[from] RenderError),
    #[error("the content {0} is missing")]
    Missing(ContentRef),
    #[error("the arguments of the task do not read: {0}")]
    Arguments(serde_json::Error),
    #[error("reading the database was cut short")]
    Cut,
}

/// Texts of runs that this engine is at work on.
pub(super) struct Texts {
    store: Arc<dyn Store>,
    runs: Mutex<BTreeMap<RunId, Arc<Templates>>>,
    recent: Mutex<Recent>,
}

#[derive(Default)]
struct Recent {
    texts: HashMap<ContentRef, Arc<str>>,
    order: VecDeque<ContentRef>,
    bytes: usize,
}

impl Texts {
    pub(super) fn new(store: Arc<dyn Store>) -> Self {
        Self { store, runs: Mutex::default(), recent: Mutex::default() }
    }

    /// Keeps the compiled texts of a run that is being dispatched.
    pub(super) fn keep(&self, run: RunId, texts: Arc<Templates>) {
        self.runs.lock().insert(run, texts);
    }

    /// Forgets the compiled texts of a run that has ended.
    pub(super) fn drop_run(&self, run: RunId) {
        self.runs.lock().remove(&run);
    }

    /// Remembers a text that will probably be asked for soon; the oldest ones give way.
    pub(super) fn remember(&self, name: ContentRef, text: &str) {
        if text.len() > REMEMBERED / 8 {
            return;
        }
        let mut recent = self.recent.lock();
        if recent.texts.insert(name, Arc::from(text)).is_none() {
            recent.order.push_back(name);
            recent.bytes += text.len();
        }
        while recent.bytes > REMEMBERED {
            let Some(oldest) = recent.order.pop_front() else { break };
            if let Some(text) = recent.texts.remove(&oldest) {
                recent.bytes -= text.len();
            }
        }
    }

    /// A text by name; nothing where it is not there.
    pub(super) async fn text(&self, name: ContentRef) -> Result<Option<Arc<str>>, TextError> {
        if let Some(text) = self.recent.lock().texts.get(&name) {
            return Ok(Some(Arc::clone(text)));
        }
        let store = Arc::clone(&self.store);
        let opened = tokio::task::spawn_blocking(move || store.content(name)).await.map_err(|_| TextError::Cut)??;
        Ok(opened.map(Arc::from))
    }

    async fn wanted(&self, name: ContentRef) -> Result<Arc<str>, TextError> {
        self.text(name).await?.ok_or(TextError::Missing(name))
    }

    async fn optional(&self, name: Option<ContentRef>) -> Result<Option<Arc<str>>, TextError> {
        match name {
            Some(name) => self.wanted(name).await.map(Some),
            None => Ok(None),
        }
    }

    /// The request of a call: its run's templates with its task's arguments.
    pub(super) async fn request(&self, order: &CallOrder, randomness: u64) -> Result<Request, TextError> {
        let texts = self.run_texts(order.run, &order.spec).await?;
        let args = self.wanted(order.args).await?;
        let args = serde_json::from_str(&args).map_err(TextError::Arguments)?;
        let rendered = texts.render(&args)?;
        let agent = AgentId { run: order.run, no: order.agent };
        Ok(Request {
            agent,
            attempt: order.attempt,
            key: order.key,
            max_tokens: order.max_tokens,
            ..request(&order.spec, &rendered, randomness, agent)
        })
    }

    async fn run_texts(&self, run: RunId, spec: &RunSpec) -> Result<Arc<Templates>, TextError> {
        if let Some(texts) = self.runs.lock().get(&run) {
            return Ok(Arc::clone(texts));
        }
        let template = self.optional(spec.template).await?;
        let system = self.optional(spec.system).await?;
        let command: Vec<String> = match self.optional(spec.command).await? {
            Some(json) => serde_json::from_str(&json).map_err(TextError::Arguments)?,
            None => Vec::new(),
        };
        let texts = Arc::new(Templates::parse(template.as_deref(), "the template", system.as_deref(), &command)?);
        self.keep(run, Arc::clone(&texts));
        Ok(texts)
    }
}

/// A request of a run, for a call or for the bound of one.
pub(super) fn request(spec: &RunSpec, rendered: &Rendered, randomness: u64, agent: AgentId) -> Request {
    let said =
        |role, text: &Option<Arc<str>>| text.as_ref().map(|text| ChatMessage { role, content: text.to_string() });
    let messages = said(Role::System, &rendered.system).into_iter().chain(said(Role::User, &rendered.prompt));
    let runs_command = !rendered.argv.is_empty();
    Request {
        agent,
        attempt: 1,
        messages: messages.collect(),
        command: rendered.argv.to_vec(),
        stdin: rendered.prompt.as_deref().filter(|_| runs_command).map(str::to_owned),
        model: spec.model.to_string(),
        price: spec.priced.then_some(spec.price),
        max_tokens: spec.max_tokens,
        temperature: spec.temperature,
        seed: spec.seed,
        randomness,
        key: crate::domain::Key(0),
    }
}
