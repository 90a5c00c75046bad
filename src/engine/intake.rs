//! From a request to a started run. Nothing is stored and nothing is sent before every row was
//! checked.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufReader, Seek};
use std::sync::Arc;

use super::call::Surroundings;
use super::handle::{Answer, Dispatched, Handle, HandleError};
use super::texts;
use crate::cost::{Basis, Estimate, Estimator, Unpriced};
use crate::dispatch::{Draft, Identity, Plan, PlanError, Request, Templates};
use crate::domain::event::{Cached, NewTask};
use crate::domain::figures::plural;
use crate::domain::{AgentId, Command, ContentRef, Key, ModelPrice, Order, ProviderKind, RunId, RunSpec, TaskNo};
use crate::provider::registry::RegistryError;
use crate::provider::{Descriptor, Provider};
use crate::store::{Sealed, StoredResult};

/// The most tokens of an answer where the user says nothing.
const MAX_TOKENS: u32 = 4096;
/// Tasks are stored in pieces of this many: an event of a million would block everything else.
const PIECE: usize = 500;
/// So many pieces may be on their way to the disk: rows are not read faster than they are stored.
const PIECES: usize = 4;
/// Titles of runs are at most this long, in characters.
const TITLE: usize = 60;
/// Earlier results of a model that an estimate looks at, at most.
const SAMPLE: u32 = 200;

/// A dispatch that was checked and can be started.
pub struct Checked {
    request: Request,
    spec: RunSpec,
    file: Option<File>,
    stored: BTreeMap<TaskNo, StoredResult>,
    over_budget: Option<String>,
    /// What it will probably take.
    pub estimate: Estimate,
    /// What the operator should know before it starts.
    pub notices: Vec<String>,
}

impl Checked {
    /// Whether the estimate fits the budget.
    ///
    /// # Errors
    /// `Limit`, with the numbers, where it does not and the user did not ask for a part.
    pub fn affordable(&self) -> Result<(), HandleError> {
        match self.over_budget.as_ref().filter(|_| !self.spec.partial) {
            Some(problem) => Err(HandleError::Limit(problem.clone())),
            None => Ok(()),
        }
    }
}

/// Checks a request as far as anything can go wrong before it is sent.
pub(super) fn check(around: &Surroundings, request: Request) -> Result<Checked, HandleError> {
    let provider = find_provider(around, &request)?;
    let mut notices = Vec::new();
    let spec = specify(around, &request, provider.descriptor(), &mut notices)?;
    let mut file = open(&request)?;
    let mut estimator = Estimator::new(basis(around, &spec)?);
    let stored = read_rows(around, &request, &spec, &*provider, file.as_mut(), &mut estimator)?;
    let estimate = estimator.estimate();
    let tasks = estimate.tasks;
    if let Some(wanted) = spec.limits.min_success.filter(|wanted| *wanted > tasks) {
        return Err(refused(format!(
            "--min-success {wanted} can never be met by {}",
            plural(u64::from(tasks), "task")
        )));
    }
    let over_budget = estimator.within_budget().err().map(|over| over.to_string());
    Ok(Checked { request, spec, file, stored, over_budget, estimate, notices })
}

/// What an estimate rests on: earlier results of the model, where there are any.
fn basis(around: &Surroundings, spec: &RunSpec) -> Result<Basis, HandleError> {
    let typical = around.store.typical_usage(&spec.provider, &spec.model, SAMPLE).map_err(refused)?;
    Ok(Basis {
        price: spec.price,
        max_tokens: spec.max_tokens,
        typical,
        typical_duration: None,
        max_parallel: spec.limits.max_parallel,
        budget: spec.limits.max_total_cost_usd,
    })
}

fn refused(message: impl std::fmt::Display) -> HandleError {
    HandleError::Refused(message.to_string())
}

/// The provider of requests that name none, where none is configured.
pub const DEFAULT_PROVIDER: &str = "openai";

fn find_provider(around: &Surroundings, request: &Request) -> Result<Arc<dyn Provider>, HandleError> {
    let name = match (&request.provider, &around.default_provider) {
        (Some(name), _) => name.as_str(),
        (None, _) if !request.command.is_empty() => "process",
        (None, Some(name)) => name.as_str(),
        (None, None) => DEFAULT_PROVIDER,
    };
    let provider = usable(around, name, request.base_url.as_deref())?;
    match (provider.descriptor().runs_command, request.command.is_empty()) {
        (true, true) => Err(refused(format!("provider `{name}` runs a command: give it after --, as in -- wc -w"))),
        (false, false) => Err(refused(format!(
            "a command after -- needs a provider that runs commands, and `{name}` sends messages: use --provider process"
        ))),
        _ => Ok(provider),
    }
}

/// A provider that can be used as things are: its key is there.
pub(super) fn usable(
    around: &Surroundings,
    name: &str,
    base_url: Option<&str>,
) -> Result<Arc<dyn Provider>, HandleError> {
    around.registry.get(name, base_url).map_err(|error| match error {
        RegistryError::MissingKey { .. } | RegistryError::Unusable { .. } => HandleError::Unusable(error.to_string()),
        error => refused(error),
    })
}

fn specify(
    around: &Surroundings,
    request: &Request,
    provider: &Descriptor,
    notices: &mut Vec<String>,
) -> Result<RunSpec, HandleError> {
    let model = model(request, provider)?;
    let price = if provider.bills_tokens { around.prices.find(&model) } else { Some(ModelPrice::FREE) };
    if price.is_none() {
        if request.limits.max_total_cost_usd.is_some() {
            return Err(refused(Unpriced(model)));
        }
        notices.push(if provider.tells_cost {
            format!("note: model `{model}` has no price: its cost is what `{}` tells of each call", provider.name)
        } else {
            format!("note: model `{model}` has no price, so its cost is not counted")
        });
    }
    let reusable = provider.kind != ProviderKind::Process || request.cache_process;
    if request.seed.is_some() && !provider.takes_seed {
        notices.push(format!("note: provider `{}` takes no seed: answers may differ", provider.name));
    }
    Ok(RunSpec {
        title: title(around, request),
        template: None,
        system: None,
        command: None,
        agent: request.agent.as_str().into(),
        provider: provider.name.as_str().into(),
        kind: provider.kind,
        base_url: request.base_url.clone(),
        simulated: provider.simulated,
        model: model.into(),
        priced: price.is_some(),
        price: price.unwrap_or(ModelPrice::FREE),
        max_tokens: request.max_tokens.unwrap_or(MAX_TOKENS),
        max_tokens_fixed: request.max_tokens.is_some(),
        temperature: request.temperature,
        seed: request.seed,
        randomness: 0,
        provider_max_concurrent: provider.max_concurrent,
        reusable,
        partial: request.partial,
        limits: request.limits.clone(),
    })
}

fn model(request: &Request, provider: &Descriptor) -> Result<String, HandleError> {
    if let Some(program) = request.command.first() {
        let name = program.rsplit('/').next().unwrap_or(program);
        return Ok(if name.contains("{{") { "process".to_owned() } else { name.to_owned() });
    }
    let model = request.model.clone().or_else(|| provider.default_model.clone());
    model.ok_or_else(|| refused(format!("provider `{}` has no default model: name one with --model", provider.name)))
}

fn title(around: &Surroundings, request: &Request) -> String {
    let text = match (&request.template, request.command.is_empty()) {
        (Some(template), _) => template.clone(),
        (None, _) => request.command.join(" "),
    };
    around.gate.line(&text, TITLE)
}

fn open(request: &Request) -> Result<Option<File>, HandleError> {
    let Some(rows) = &request.rows else { return Ok(None) };
    let wrong = |problem: String| refused(format!("{}: {problem}", rows.name));
    let file = File::open(&rows.path).map_err(|error| wrong(format!("the rows can't be read: {error}")))?;
    match file.metadata() {
        Ok(data) if data.is_dir() => Err(wrong("this is a directory: name a file of rows".to_owned())),
        Ok(data) if !data.is_file() => Err(wrong("rows are read twice: send a pipe to --args - instead".to_owned())),
        Ok(_) => Ok(Some(file)),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// What distinguishes this dispatch's answers from others'.
fn identity<'a>(request: &'a Request, spec: &'a RunSpec) -> Identity<'a> {
    Identity {
        agent: &spec.agent,
        provider: &spec.provider,
        endpoint: spec.base_url.as_deref(),
        model: &spec.model,
        max_tokens: request.max_tokens,
        temperature: spec.temperature,
        seed: spec.seed,
    }
}

fn reader(file: Option<&mut File>) -> Result<Option<BufReader<&mut File>>, HandleError> {
    let Some(file) = file else { return Ok(None) };
    file.rewind().map_err(|error| refused(format!("the rows can't be read again: {error}")))?;
    Ok(Some(BufReader::new(file)))
}

/// Reads all rows once: what is wrong with any of them is found here.
fn read_rows(
    around: &Surroundings,
    request: &Request,
    spec: &RunSpec,
    provider: &dyn Provider,
    file: Option<&mut File>,
    estimator: &mut Estimator,
) -> Result<BTreeMap<TaskNo, StoredResult>, HandleError> {
    let plan = Plan::new(request).map_err(refused)?;
    let rows = plan.rows(reader(file)?);
    let most = spec.limits.max_total_agents;
    let mut stored = BTreeMap::new();
    let mut piece = Vec::with_capacity(PIECE);
    for draft in plan.expand(rows, &identity(request, spec), spec.reusable) {
        let draft = draft.map_err(refused)?;
        if draft.task >= most {
            return Err(HandleError::Limit(format!(
                "{}: there are more than {most} tasks, the limit of agents (max_total_agents): raise it with \
                 --max-agents, or send fewer rows",
                request.rows.as_ref().map_or("the dispatch", |rows| rows.name.as_str())
            )));
        }
        piece.push(Sized { bytes: text_bytes(&draft), bound: bound(provider, spec, &draft), draft });
        if piece.len() == PIECE {
            look_up(around, request, spec, &mut piece, &mut stored, estimator)?;
        }
    }
    look_up(around, request, spec, &mut piece, &mut stored, estimator)?;
    if estimator.estimate().tasks == 0 {
        return Err(refused("there are no rows: nothing to run"));
    }
    Ok(stored)
}

fn bound(provider: &dyn Provider, spec: &RunSpec, draft: &Draft) -> u32 {
    let nobody = AgentId { run: RunId::from_random(0), no: draft.task };
    provider.input_bound(&texts::request(spec, &draft.rendered, 0, nobody))
}

/// A task that was read, and how long its texts are.
struct Sized {
    draft: Draft,
    bytes: u64,
    bound: u32,
}

fn text_bytes(draft: &Draft) -> u64 {
    let texts = [&draft.rendered.prompt, &draft.rendered.system];
    texts.into_iter().flatten().map(|text| text.len() as u64).sum()
}

/// Finds stored results, and the user's own keys that were used for something else.
fn look_up(
    around: &Surroundings,
    request: &Request,
    spec: &RunSpec,
    piece: &mut Vec<Sized>,
    stored: &mut BTreeMap<TaskNo, StoredResult>,
    estimator: &mut Estimator,
) -> Result<(), HandleError> {
    let piece = std::mem::take(piece);
    let own = request.own_key.is_some();
    let reuse = request.use_cache && spec.reusable;
    let keys: Vec<Key> = piece.iter().filter(|_| reuse || own).map(|sized| sized.draft.key).collect();
    let found = if keys.is_empty() { BTreeMap::new() } else { around.store.results(&keys).map_err(refused)? };
    for Sized { draft, bytes, bound } in piece {
        let task = draft.task;
        let Some(result) = found.get(&draft.key) else {
            // A task that shares the result of an earlier one costs nothing.
            match draft.same_as {
                Some(_) => estimator.add_cached(),
                None => estimator.add(bytes, bound),
            }
            continue;
        };
        if own && result.payload != draft.payload {
            return Err(refused(format!(
                "task {task}: its key was used before for something else (run {}, task {}): use another key, \
                 or send what was sent then",
                result.run, result.task
            )));
        }
        if reuse {
            stored.insert(task, result.clone());
            estimator.add_cached();
        } else {
            estimator.add(bytes, bound);
        }
    }
    Ok(())
}

/// Stores the tasks of a checked dispatch, and starts it.
pub(super) async fn start(handle: &Handle, checked: Checked, random: u64) -> Result<Dispatched, HandleError> {
    let run = RunId::from_random(random);
    let tasks = checked.estimate.tasks;
    let cached = u32::try_from(checked.stored.len()).unwrap_or(u32::MAX);
    let by = checked.request.by.clone();
    let order = |command| Order { by: by.clone(), reason: None, command };
    let storing = {
        let handle = handle.clone();
        let runtime = tokio::runtime::Handle::current();
        let by = by.clone();
        tokio::task::spawn_blocking(move || store(&handle, &runtime, checked, run, &by))
    };
    let stored = storing.await.map_err(|_| HandleError::Stopped)?;
    if let Err(error) = stored {
        // Nothing of it was started: the run is closed, so that nothing half-done stays.
        let _ = handle.submit(order(Command::Kill(crate::domain::Targets::all(run)))).await;
        return Err(error);
    }
    handle.submit(order(Command::Start(run))).await?;
    Ok(Dispatched { run, tasks, cached })
}

fn store(
    handle: &Handle,
    runtime: &tokio::runtime::Handle,
    checked: Checked,
    run: RunId,
    by: &str,
) -> Result<(), HandleError> {
    let around = handle.around();
    let Checked { request, mut spec, mut file, mut stored, estimate, .. } = checked;
    let mut on_the_way = VecDeque::new();
    let mut post = |command, contents| {
        let order = Order { by: by.to_owned(), reason: None, command };
        on_the_way.push_back(runtime.block_on(handle.post(order, contents))?);
        if on_the_way.len() > PIECES { durable(runtime, &mut on_the_way) } else { Ok(()) }
    };
    let mut contents = Vec::new();
    let mut seal = |text: &str| seal(around, text, &mut contents);
    spec.template = request.template.as_deref().map(&mut seal);
    spec.system = request.system.as_deref().map(&mut seal);
    if !request.command.is_empty() {
        spec.command = Some(seal(&serde_json::to_string(&request.command).map_err(refused)?));
    }
    spec.randomness = spec.seed.unwrap_or_else(|| run.number());
    let plan = Plan::new(&request).map_err(refused)?;
    let templates = Templates::parse(
        request.template.as_deref(),
        &request.template_origin,
        request.system.as_deref(),
        &request.command,
    );
    around.texts.keep(run, Arc::new(templates.map_err(|error| refused(PlanError::from(error)))?));
    let provider = find_provider(around, &request)?;
    post(Command::Create { run, spec: Box::new(spec.clone()) }, std::mem::take(&mut contents))?;
    let rows = plan.rows(reader(file.as_mut())?);
    let mut piece = Vec::with_capacity(PIECE);
    let mut total = 0_u32;
    for draft in plan.expand(rows, &identity(&request, &spec), spec.reusable) {
        let draft = draft.map_err(refused)?;
        let input_bound = bound(&*provider, &spec, &draft);
        let args = self::seal(around, &draft.args, &mut contents);
        total += 1;
        piece.push(NewTask {
            key: draft.key,
            args,
            input_bound,
            replica: draft.replica,
            payload: draft.payload,
            same_as: draft.same_as,
            cached: stored.remove(&draft.task).and_then(cached_answer).map(Box::new),
        });
        if piece.len() == PIECE {
            post(Command::Add { run, tasks: std::mem::take(&mut piece) }, std::mem::take(&mut contents))?;
        }
    }
    if total != estimate.tasks {
        return Err(refused("the rows changed while they were read: try again"));
    }
    if !piece.is_empty() {
        post(Command::Add { run, tasks: piece }, contents)?;
    }
    while !on_the_way.is_empty() {
        durable(runtime, &mut on_the_way)?;
    }
    Ok(())
}

/// Waits until the oldest piece on the way is durable.
fn durable(runtime: &tokio::runtime::Handle, on_the_way: &mut VecDeque<Answer>) -> Result<(), HandleError> {
    let Some(answer) = on_the_way.pop_front() else { return Ok(()) };
    runtime.block_on(answer).map_err(|_| HandleError::Stopped)?.map(drop).map_err(refused)
}

fn cached_answer(result: StoredResult) -> Option<Cached> {
    Some(Cached {
        run: result.run,
        task: result.task,
        output: result.finished.output?,
        preview: result.finished.preview,
        usage: result.finished.usage,
        model: result.finished.model.to_string(),
        truncated: result.finished.truncated,
    })
}

fn seal(around: &Surroundings, text: &str, contents: &mut Vec<Sealed>) -> ContentRef {
    let sealed = around.store.vault().seal(text);
    let name = sealed.name;
    around.texts.remember(name, text);
    contents.push(sealed);
    name
}
