//! What simulated agents say: plain sentences about the work that they were asked to do, so that
//! a rehearsal reads like a run.

use std::collections::VecDeque;

use super::random::Random;

/// The sentences. `{t}` is something from the prompt, `{f}` a file, `{n}` a small number.
const SENTENCES: &[&str] = &[
    "Starting with {t} and what depends on it.",
    "I read {f} first; {t} is handled there.",
    "Two ways lead to {t}: the direct one, and one that keeps {t} out of the way.",
    "The plan has {n} steps, and the first is {t}.",
    "Looking at {t} again, the edge cases matter more than the usual ones.",
    "{f} already covers most of {t}, so the change stays small.",
    "I compared {n} variants of {t}; the simplest is also the quickest.",
    "One assumption about {t} does not hold: the input may be empty.",
    "Wrote {n} checks for {t}, and all of them pass now.",
    "A test for {t} failed at first because of the order of the rows.",
    "After that, {t} takes about {n} milliseconds for each item.",
    "Moved {t} into {f}, where it belongs.",
    "There were {n} places that repeat {t}; now there is one.",
    "What is left of {t} is a matter of naming.",
    "The numbers for {t} agree with the expectation within {n} percent.",
    "No change was needed around {f}.",
    "Worth noting: {t} is called {n} times on the way.",
    "For {t} I would keep the current behaviour and document it.",
    "The result for {t} looks stable over {n} repetitions.",
    "Checked {f} for side effects of {t}: none found.",
    "If {t} grows, this will want another look.",
    "Next comes {t}.",
];

/// How an answer begins.
const OPENINGS: &[&str] = &[
    "Here is what I found about {t}.",
    "Done with {t}; a summary follows.",
    "Taking {t} step by step.",
    "Short answer for {t}: it works, with one remark.",
    "On {t}:",
];

const FILES: &[&str] = &[
    "src/main.rs",
    "src/lib.rs",
    "the parser",
    "the README",
    "tests/basic.rs",
    "config.toml",
    "the changelog",
    "src/store.rs",
    "the build script",
    "the fixtures",
];

/// Words that say nothing about a subject.
const COMMON: &[&str] = &[
    "about", "after", "also", "answer", "before", "each", "every", "from", "give", "have", "into", "just", "like",
    "make", "more", "most", "must", "only", "other", "please", "report", "should", "some", "text", "than", "that",
    "their", "them", "then", "there", "these", "they", "this", "those", "very", "what", "when", "where", "which",
    "while", "will", "with", "word", "words", "would", "write", "your",
];

const MOST_SUBJECTS: usize = 8;
/// Only the beginning of a prompt is read for subjects.
const READ: usize = 4096;
/// Longer words are several tokens.
const LONGEST_TOKEN: usize = 8;

/// An endless answer, token by token.
pub(super) struct Prose {
    random: Random,
    subjects: Vec<String>,
    tokens: VecDeque<String>,
    last: Option<&'static str>,
}

impl Prose {
    /// An answer to `prompt`.
    pub(super) fn new(prompt: &str, random: Random) -> Self {
        Self { random, subjects: subjects(prompt), tokens: VecDeque::new(), last: None }
    }

    /// The next token.
    pub(super) fn next_token(&mut self) -> String {
        if self.tokens.is_empty() {
            let sentence = self.sentence();
            self.tokens.extend(tokens(&sentence));
        }
        self.tokens.pop_front().unwrap_or_default()
    }

    fn sentence(&mut self) -> String {
        let Some(last) = self.last else {
            self.last = Some("");
            let opening = self.random.pick(OPENINGS).unwrap_or_default();
            return self.fill(opening);
        };
        let mut pattern = self.random.pick(SENTENCES).unwrap_or_default();
        while pattern == last {
            pattern = self.random.pick(SENTENCES).unwrap_or_default();
        }
        self.last = Some(pattern);
        // A paragraph now and then.
        let joint = if self.random.next().is_multiple_of(6) { "\n\n" } else { " " };
        joint.to_owned() + &self.fill(pattern)
    }

    fn fill(&mut self, pattern: &str) -> String {
        let mut out = String::new();
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let (slot, after) = after.split_once('}').unwrap_or((after, ""));
            match slot {
                "t" => {
                    let subjects: Vec<&str> = self.subjects.iter().map(String::as_str).collect();
                    out.push_str(self.random.pick(&subjects).unwrap_or("the task"));
                }
                "f" => out.push_str(self.random.pick(FILES).unwrap_or_default()),
                _ => out.push_str(&(2 + self.random.next() % 11).to_string()),
            }
            rest = after;
        }
        out.push_str(rest);
        capitalised(&out)
    }
}

/// What a prompt is about: its longer words, in order, each once.
fn subjects(prompt: &str) -> Vec<String> {
    let start = prompt.char_indices().nth(READ).map_or(prompt, |(at, _)| prompt.get(..at).unwrap_or(prompt));
    let mut found: Vec<String> = Vec::new();
    for word in start.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-') {
        let plain = word.trim_matches(|c| c == '-' || c == '_');
        let lower = plain.to_lowercase();
        let telling = (4..=24).contains(&plain.chars().count()) && !COMMON.contains(&lower.as_str());
        if telling && !found.iter().any(|known| known.to_lowercase() == lower) {
            found.push(plain.to_owned());
        }
        if found.len() == MOST_SUBJECTS {
            break;
        }
    }
    found
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Cuts a sentence as tokenizers do: words with the space before them, long ones in pieces.
fn tokens(sentence: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut token = String::new();
    let mut letters = 0;
    for c in sentence.chars() {
        let starts = c.is_whitespace() && !token.is_empty() && !token.ends_with(char::is_whitespace);
        if starts || letters == LONGEST_TOKEN {
            tokens.push(std::mem::take(&mut token));
            letters = 0;
        }
        token.push(c);
        letters += 1;
    }
    tokens.push(token);
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(prompt: &str, seed: u64, count: usize) -> String {
        let mut prose = Prose::new(prompt, Random::new(seed, 0));
        (0..count).map(|_| prose.next_token()).collect()
    }

    #[test]
    fn the_same_seed_says_the_same() {
        let prompt = "Sort with quicksort and report comparisons";
        assert_eq!(text(prompt, 7, 200), text(prompt, 7, 200));
        assert_ne!(text(prompt, 7, 200), text(prompt, 8, 200));
    }

    #[test]
    fn it_speaks_of_the_prompt() {
        let said = text("Sort with quicksort", 1, 200);
        assert!(said.contains("quicksort"), "{said}");
        assert!(!said.contains(['{', '}']), "{said}");
        assert!(text("", 1, 200).contains("the task"));
    }

    #[test]
    fn tokens_lose_nothing() {
        let sentence = " I compared 12 comparisons.\n\nNext";
        assert_eq!(tokens(sentence).concat(), sentence);
        assert_eq!(tokens("a bc incomprehensible"), ["a", " bc", " incompr", "ehensibl", "e"]);
    }
}
