//! The vocabulary: what a run, a task, an agent, an event and a dollar are.
//!
//! Everything here is pure. Nothing in this folder knows tokio, a file, a clock or another module
//! of the crate; every other module may use it.

pub mod agent;
mod apply;
pub mod command;
pub mod describe;
pub mod effect;
pub mod event;
pub mod figures;
pub mod ids;
pub mod limits;
pub mod money;
pub mod rate;
pub mod report;
pub mod run;
pub mod spec;
pub mod state;
pub mod task;
pub mod time;
pub mod transcript;

pub use agent::{AgentMove, AgentState};
pub use apply::FoldError;
pub use command::{Command, Order, Targets};
pub use effect::{Effect, StopWhy};
pub use event::{Body, Event, Severity};
pub use ids::{AgentId, AgentNo, ContentRef, IdError, Key, RunId, TaskNo};
pub use limits::{LimitName, Limits, LimitsChange};
pub use money::{ModelPrice, Money, MoneyError, Price, Totals, Usage};
pub use rate::{Rate, RateError};
pub use report::{Answer, CallEnd, CallError, ErrorKind, Receipt, Report, Sent};
pub use run::RunState;
pub use spec::{ProviderKind, RunSpec};
pub use state::{Agent, Call, Run, State, Task};
pub use task::{TaskError, TaskState};
pub use time::{Mono, Now, Wall};
