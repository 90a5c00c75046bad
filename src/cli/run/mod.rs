//! `run` and `resume-run`: a dispatch without the screen.

pub mod aggregate;
pub mod args;
mod outputs;
pub mod progress;
pub mod results;

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};

use serde_json::Value;

use self::aggregate::for_people;
use self::args::RunArgs;
use self::outputs::Outputs;
use self::progress::{Progress, summarise};
use self::results::{Results, Summary};
use super::ResumeArgs;
use super::exit::{Complaint, Exit};
use crate::aggregate::Method;
use crate::cost::Estimate;
use crate::domain::{Body, Event, Limits, Run, RunId, RunState, TaskNo};
use crate::engine::handle::{Dispatched, Handle, HandleError, Health, Update};
use crate::guard::clean_for_terminal;
use crate::store::Filter;

/// Checks and starts a dispatch; nothing where only an estimate was asked for.
pub async fn begin(
    handle: &Handle,
    args: &RunArgs,
    by: &str,
    defaults: &Limits,
) -> Result<Option<Dispatched>, Complaint> {
    let prepared = args.prepare(by, defaults)?;
    let checked = handle.check(prepared.request.clone()).await?;
    if args.dry_run {
        show_estimate(&checked.estimate)?;
        return Ok(None);
    }
    checked.affordable()?;
    for notice in &checked.notices {
        say(notice);
    }
    stored(handle, handle.start(checked)).await.map(Some)
}

/// Waits for what must be durable before anything is sent. A store that takes nothing is an error
/// here, and later a reason to wait.
async fn stored<T>(handle: &Handle, work: impl Future<Output = Result<T, HandleError>>) -> Result<T, Complaint> {
    let mut health = handle.health();
    tokio::select! {
        biased;
        done = work => Ok(done?),
        Ok(health) = health.wait_for(|health| health.store.is_some()) => {
            let problem = health.store.clone().unwrap_or_default();
            Err(Complaint::usage(format!("{problem}; nothing was sent")))
        }
    }
}

/// Tells something on standard error, where anybody listens.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", clean_for_terminal(text));
}

/// Runs a dispatch to its end, and tells its results.
pub async fn run(handle: &Handle, args: &RunArgs, by: &str, defaults: &Limits) -> Result<Exit, Complaint> {
    if args.dry_run {
        return begin(handle, args, by, defaults).await.map(|_| Exit::Met);
    }
    let outputs = Outputs::open(args.out.as_deref(), args.summary.as_deref())?;
    match begin(handle, args, by, defaults).await? {
        Some(dispatched) => follow(handle, dispatched.run, outputs, args.aggregate.as_ref(), BTreeSet::new()).await,
        None => Ok(Exit::Met),
    }
}

/// Goes on with a suspended run; all of its results are told, those from before as cached.
pub async fn resume(handle: &Handle, id: RunId, by: &str, args: &ResumeArgs) -> Result<Exit, Complaint> {
    let outputs = Outputs::open(args.out.as_deref(), args.summary.as_deref())?;
    let filter = Filter { run: Some(id), ..Filter::default() };
    let rows = handle.tasks(filter.clone()).await?;
    let before: BTreeSet<TaskNo> = rows.iter().filter(|row| row.finished.is_some()).map(|row| row.task).collect();
    let run = handle.runs(filter).await?.pop();
    let run =
        run.ok_or_else(|| Complaint::usage(format!("there is no run {id}")).hint("`flightdeck runs` lists them"))?;
    if !run.state.is_final() {
        stored(handle, handle.resume_run(id, by)).await?;
    }
    follow(handle, id, outputs, args.aggregate.as_ref(), before).await
}

/// Tells the results of a run as they come, until it ends or is let go.
async fn follow(
    handle: &Handle,
    id: RunId,
    outputs: Outputs,
    method: Option<&Method>,
    before: BTreeSet<TaskNo>,
) -> Result<Exit, Complaint> {
    let (out, summary) = outputs.emptied()?;
    let mut out = out.aggregated(method);
    let progress = Progress::start();
    let mut watch = handle.watch(id).await?;
    let mut health = handle.health();
    let mut told = BTreeSet::new();
    let mut run: Option<Run> = None;
    loop {
        let update = tokio::select! {
            update = watch.next() => update,
            Ok(()) = health.changed() => {
                let now = health.borrow_and_update().clone();
                progress.suspend(|| say(&storing(&now)));
                continue;
            }
        };
        let Some(update) = update else { break };
        match update {
            Update::Snapshot(snapshot) => {
                run = Some(*snapshot);
                tell_ended(handle, id, &mut out, &mut told, &before, &progress).await?;
            }
            Update::Events(events) => {
                let Some(run) = run.as_mut() else { continue };
                for event in events.iter() {
                    run.apply(event).map_err(|fault| Complaint::usage(format!("the log does not fold: {fault}")))?;
                    tell_event(handle, run, event, &mut out, &mut told, &progress).await?;
                }
            }
        }
        let Some(run) = run.as_ref() else { continue };
        progress.show(run);
        if !run.state.is_live() && run.state != RunState::Created {
            break;
        }
    }
    progress.finish();
    let run = run.ok_or_else(|| Complaint::usage(format!("there is no run {id}")))?;
    let (aggregate, met) = aggregated(handle, &run, &mut out).await;
    let mut told = Summary { aggregate, ..Summary::of(&run) };
    if run.state.is_live() {
        // Its engine ended without another word: nobody owns it any more.
        told.state = RunState::Suspended.word();
    }
    if let Some(mut file) = summary {
        serde_json::to_writer(&mut file, &told).map_err(std::io::Error::from)?;
        writeln!(file)?;
        file.flush()?;
    }
    // Nothing can be told where standard error is gone.
    let _ = summarise(&told, &out.failures(3));
    Ok(match Exit::of(&run) {
        Exit::Met if !met => Exit::NotMet,
        exit => exit,
    })
}

/// Tells what the results of a run come to, where that was asked for; whether that could be done.
/// A run that goes on later has no such value yet.
async fn aggregated(handle: &Handle, run: &Run, out: &mut Results) -> (Option<Value>, bool) {
    if !run.state.is_final() {
        return (None, true);
    }
    let Some((method, ended)) = out.aggregate(handle.gate()).await else { return (None, true) };
    let lines = match &ended {
        Ok(value) => for_people(&method, value, handle.gate()),
        Err(problem) => vec![format!("error: the results were not aggregated: {}", handle.gate().screen(problem))],
    };
    // Nothing can be told where standard error is gone.
    let _ = writeln!(std::io::stderr(), "{}", lines.join("\n"));
    let met = ended.is_ok();
    (ended.ok(), met)
}

fn storing(health: &Health) -> String {
    match &health.store {
        Some(problem) => format!("note: {problem}; everything waits until it can be stored"),
        None => "note: storing works again".to_owned(),
    }
}

/// Tells the results that were there before anything was followed, in the order of their ends.
async fn tell_ended(
    handle: &Handle,
    id: RunId,
    out: &mut Results,
    told: &mut BTreeSet<TaskNo>,
    before: &BTreeSet<TaskNo>,
    progress: &Progress,
) -> Result<(), Complaint> {
    for mut result in handle.results(id).await? {
        if told.insert(result.task) {
            result.cached |= before.contains(&result.task);
            progress.suspend(|| out.write(handle, &result))?;
        }
    }
    Ok(())
}

async fn tell_event(
    handle: &Handle,
    run: &Run,
    event: &Event,
    out: &mut Results,
    told: &mut BTreeSet<TaskNo>,
    progress: &Progress,
) -> Result<(), Complaint> {
    let (Body::TaskFinished(finished), Some(no)) = (&event.body, event.task) else { return Ok(()) };
    if !told.insert(no) {
        return Ok(());
    }
    let result = handle.result(run, no, finished).await?;
    result.map_or(Ok(()), |result| progress.suspend(|| out.write(handle, &result)))
}

fn show_estimate(estimate: &Estimate) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if std::io::stdout().is_terminal() {
        let Estimate { tasks, cached, input_tokens, output_tokens, .. } = estimate;
        writeln!(out, "{tasks} agents, {cached} of them answered by stored results")?;
        writeln!(out, "~{input_tokens} tokens in, ~{output_tokens} tokens out")?;
        let (low, likely, high) = (estimate.low.short(4), estimate.likely.short(4), estimate.high.short(4));
        writeln!(out, "~${likely} (${low} to ${high}), at worst ${}", estimate.worst.short(4))?;
        return match estimate.duration {
            Some(duration) => writeln!(out, "~{:.0} s", duration.as_secs_f64()),
            None => Ok(()),
        };
    }
    let json = serde_json::json!({
        "tasks": estimate.tasks,
        "cached": estimate.cached,
        "input_tokens": estimate.input_tokens,
        "output_tokens": estimate.output_tokens,
        "low_usd": estimate.low,
        "likely_usd": estimate.likely,
        "high_usd": estimate.high,
        "worst_usd": estimate.worst,
        "duration_ms": estimate.duration.map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
        "samples": estimate.samples,
    });
    writeln!(out, "{json}")
}
