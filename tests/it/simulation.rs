//! The core in virtual time, with a seed and every fault there is: runs, operators, a world that
//! answers late, wrongly or never, and crashes at any moment. After each step the invariants are
//! checked, and once the faults stop every run must end.
//!
//! `FLIGHTDECK_SEEDS=100000` plays more than the usual number; `FLIGHTDECK_SEED=17` plays that one
//! alone, and shows its log.

mod driver;
mod random;
mod runs;
mod witness;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use driver::Driver;

use crate::support::log::to_line;

/// How many seeds are played where nothing else is asked for.
const SEEDS: u64 = 800;

#[test]
fn whatever_happens_the_invariants_hold_and_every_run_ends() {
    let asked = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    if let Some(seed) = asked("FLIGHTDECK_SEED") {
        let mut driver = Driver::new(seed);
        let played = catch_unwind(AssertUnwindSafe(|| driver.play()));
        driver.log().iter().for_each(|event| println!("{}", to_line(event)));
        return played.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    }
    let mut told = Told::default();
    for seed in 0..asked("FLIGHTDECK_SEEDS").unwrap_or(SEEDS) {
        let mut driver = Driver::new(seed);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| driver.play())) {
            println!("seed {seed} fails: repeat it with FLIGHTDECK_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
        told.add(&driver);
    }
    println!("{told:?}");
    assert!(told.is_telling(), "the simulation leaves something out: {told:?}");
}

#[test]
fn the_same_seed_plays_the_same() {
    let log = |seed| {
        let mut driver = Driver::new(seed);
        driver.play();
        driver.log().to_vec()
    };
    for seed in 0..20 {
        assert_eq!(log(seed), log(seed), "seed {seed}");
    }
}

/// What was met on the way: a simulation without faults proves nothing.
#[derive(Debug, Default)]
struct Told {
    events: usize,
    crashes: u32,
    lost_events: usize,
    kinds: std::collections::BTreeMap<&'static str, usize>,
}

impl Told {
    fn add(&mut self, driver: &Driver) {
        self.events += driver.log().len();
        self.crashes += driver.crashes;
        self.lost_events += driver.lost_events;
        for event in driver.log() {
            *self.kinds.entry(event.body.kind()).or_default() += 1;
        }
    }

    fn is_telling(&self) -> bool {
        let every_kind = flightdeck::domain::Body::KINDS.iter().all(|kind| self.kinds.contains_key(kind));
        every_kind && self.crashes > 0 && self.lost_events > 0
    }
}
