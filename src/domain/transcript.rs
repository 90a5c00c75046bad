//! Transcripts are chains: a message names its parent, a transcript is a pointer to its last
//! message. Forking, rewinding and comparing are then operations on pointers.

use serde::{Deserialize, Serialize};

use super::ids::ContentRef;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Standing instructions.
    System,
    /// The operator, or a task's prompt.
    User,
    /// The agent.
    Assistant,
}

/// One link of a transcript, stored under the keyed hash of all its fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The message before; nothing at the root.
    pub parent: Option<ContentRef>,
    /// Who speaks.
    pub role: Role,
    /// What is said: the content's name.
    pub content: ContentRef,
}
