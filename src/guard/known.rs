//! Keys that this process knows (from the environment and the configuration) are matched
//! literally: they never leave, whatever they look like.

use aho_corasick::{AhoCorasick, MatchKind};

/// Shorter values would redact ordinary words.
const MIN_LENGTH: usize = 8;

/// The known keys, ready to be searched for.
#[derive(Debug, Clone, Default)]
pub struct KnownKeys {
    search: Option<AhoCorasick>,
    marks: Vec<String>,
    longest: usize,
}

impl KnownKeys {
    /// From labels (`OPENAI_API_KEY`) and values. Values of fewer than 8 bytes are passed over.
    #[must_use]
    pub fn new<'a>(keys: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let (labels, values): (Vec<_>, Vec<_>) =
            keys.into_iter().filter(|(_, value)| value.len() >= MIN_LENGTH).unzip();
        if values.is_empty() {
            return Self::default();
        }
        let longest = values.iter().map(|value: &&str| value.len()).max().unwrap_or(0);
        let search = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&values).ok();
        let marks = labels.iter().map(|label| format!("[REDACTED_{label}]")).collect();
        Self { search, marks, longest }
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.search.is_none()
    }

    /// The length of the longest key, in bytes.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Where keys stand in `text`, with what replaces them.
    pub fn find<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (std::ops::Range<usize>, &'a str)> {
        self.search.iter().flat_map(move |search| search.find_iter(text)).map(|found| {
            (found.range(), self.marks.get(found.pattern().as_usize()).map_or("[REDACTED]", String::as_str))
        })
    }
}
