//! Seals the transcript of a call: each message under the keyed hash of its content and its
//! parent, so that a thousand agents with the same beginning share it.

use crate::domain::ContentRef;
use crate::domain::transcript::{Message, Role};
use crate::provider::ChatMessage;
use crate::store::{Sealed, Vault};

/// Seals `messages` and the answer that follows them; returns the name of the last message.
pub(super) fn seal(
    vault: &Vault,
    messages: &[ChatMessage],
    answer: ContentRef,
    contents: &mut Vec<Sealed>,
) -> Option<ContentRef> {
    let mut parent = None;
    for message in messages {
        let text = vault.seal(&message.content);
        let content = text.name;
        contents.push(text);
        parent = Some(link(vault, parent, message.role, content, contents)?);
    }
    link(vault, parent, Role::Assistant, answer, contents)
}

fn link(
    vault: &Vault,
    parent: Option<ContentRef>,
    role: Role,
    content: ContentRef,
    contents: &mut Vec<Sealed>,
) -> Option<ContentRef> {
    let record = serde_json::to_string(&Message { parent, role, content }).ok()?;
    let sealed = vault.seal(&record);
    let name = sealed.name;
    contents.push(sealed);
    Some(name)
}
