//! The only clock: everything else is given the time.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::domain::{Mono, Now, Wall};

/// Reads the time. Cheap to clone; all clones share one origin.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock whose monotonic time starts now.
    #[must_use]
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Now {
        let elapsed = self.origin.elapsed().as_micros();
        Now { wall: wall(), mono: Mono(u64::try_from(elapsed).unwrap_or(u64::MAX)) }
    }

    /// When `at` is, for tokio's timers.
    #[must_use]
    pub fn instant(&self, at: Mono) -> Instant {
        self.origin + std::time::Duration::from_micros(at.0)
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the clock that everything else is given")]
fn wall() -> Wall {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Wall(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
