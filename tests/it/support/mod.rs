//! What several tests need.

pub(crate) mod log;
pub(crate) mod mock_openai;
pub(crate) mod program;
pub(crate) mod runs;
pub(crate) mod turn;
