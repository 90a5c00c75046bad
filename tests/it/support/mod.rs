//! What several tests need.

pub(crate) mod mock_openai;
pub(crate) mod pty;
