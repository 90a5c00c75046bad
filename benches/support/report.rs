//! The figures: medians over the rounds, and ratios of neighbours in time.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::contestant::{Contestant, Load};
use super::measure::Sample;

/// Everything that was measured.
pub(crate) struct Report {
    load: Load,
    rounds: BTreeMap<Contestant, Vec<Round>>,
}

/// One turn of one contestant.
struct Round {
    alone: Sample,
    loaded: Sample,
}

impl Report {
    pub(crate) fn new(load: Load) -> Self {
        Self { load, rounds: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, contestant: Contestant, alone: Sample, loaded: Sample) {
        self.rounds.entry(contestant).or_default().push(Round { alone, loaded });
    }

    /// The medians of one contestant.
    fn line(&self, f: &mut fmt::Formatter<'_>, contestant: Contestant, rounds: &[Round]) -> fmt::Result {
        let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure).collect());
        let agents = f64::from(self.load.agents);
        writeln!(
            f,
            "{:<12}{:>8.0}{:>10.0}{:>13.3}{:>10.1}{:>15.1}{:>12.0}",
            contestant.to_string(),
            of(|round| millis(round.loaded.wall)),
            of(|round| millis(round.alone.wall)),
            of(|round| millis(round.loaded.cpu)) / agents,
            of(|round| kib(round.loaded)) / 1024.0,
            median(rounds.iter().map(|round| self.kib_per_stream(round)).collect()),
            of(|round| millis(round.loaded.server_cpu)),
        )
    }

    /// What each stream adds to the memory of a process that has but one.
    fn kib_per_stream(&self, round: &Round) -> f64 {
        (kib(round.loaded) - kib(round.alone)) / f64::from(self.load.parallel)
    }

    fn ratios(&self, f: &mut fmt::Formatter<'_>, floor: &[Round], ours: &[Round]) -> fmt::Result {
        let of = |figure: fn(&Round) -> f64| {
            median(ours.iter().zip(floor).map(|(ours, floor)| figure(ours) / figure(floor)).collect())
        };
        writeln!(f, "\nflightdeck / reqwest, the median of the rounds' ratios")?;
        writeln!(
            f,
            "  wall              {:>6.2}    (at most 1.10 at 1,000 paced streams)",
            of(|r| millis(r.loaded.wall))
        )?;
        writeln!(f, "  cpu               {:>6.2}    (at most 2)", of(|r| millis(r.loaded.cpu)))?;
        let kib = median(ours.iter().map(|round| self.kib_per_stream(round)).collect());
        writeln!(f, "  KiB per stream    {kib:>6.1}    (flightdeck's own, at most 64)")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Load { agents, parallel, mode } = self.load;
        let ideal = millis(self.load.ideal());
        writeln!(f, "{agents} agents, {parallel} at once, {}; ideal wall {ideal:.0} ms\n", mode.name())?;
        writeln!(
            f,
            "{:<12}{:>8}{:>10}{:>13}{:>10}{:>15}{:>12}",
            "", "wall ms", "1 alone", "cpu ms/agent", "peak MiB", "KiB per stream", "server ms"
        )?;
        for (&contestant, rounds) in &self.rounds {
            self.line(f, contestant, rounds)?;
        }
        match (self.rounds.get(&Contestant::Reqwest), self.rounds.get(&Contestant::Flightdeck)) {
            (Some(floor), Some(ours)) => self.ratios(f, floor, ours),
            _ => Ok(()),
        }
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[allow(clippy::cast_precision_loss, reason = "no process has 2^53 KiB")]
fn kib(sample: Sample) -> f64 {
    sample.peak_kib as f64
}

/// The middle value; of an even number of values, the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let upper = values.get(values.len() / 2).copied().unwrap_or(f64::NAN);
    let lower = values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN);
    f64::midpoint(lower, upper)
}
