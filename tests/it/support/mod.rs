//! What several tests need.

pub(crate) mod calls;
pub(crate) mod flightdeck;
pub(crate) mod log;
pub(crate) mod mock_openai;
pub(crate) mod program;
pub(crate) mod pty;
pub(crate) mod runs;
pub(crate) mod turn;
