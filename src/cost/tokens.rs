//! Token counts before anything is sent: rules of thumb, replaced by usage once it is known.

/// Bytes of text per token: what byte-pair encodings of English come to.
const BYTES_PER_TOKEN: u64 = 4;
/// What a chat request has beside its texts: roles and separators.
const FRAME: u64 = 8;
/// A typical answer, where nothing is known, is a quarter of what is allowed.
const SHARE_OF_MOST: u32 = 4;
/// …and people seldom ask for more than a page.
const PAGE: u32 = 500;

/// About how many prompt tokens a request with so many bytes of text has.
#[must_use]
pub const fn of_prompt(text_bytes: u64) -> u64 {
    text_bytes.div_ceil(BYTES_PER_TOKEN).saturating_add(FRAME)
}

/// About how many tokens an answer has, where nothing is known of the model.
#[must_use]
pub fn of_answer(max_tokens: u32) -> u64 {
    u64::from((max_tokens / SHARE_OF_MOST).clamp(1, PAGE))
}
