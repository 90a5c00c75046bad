//! A line of pieces of which the less important give way when it is narrow.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::text::width;

/// A piece of a line.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    /// Its spans.
    pub(crate) spans: Vec<Span<'static>>,
    /// The higher, the earlier it gives way; 0 never does.
    pub(crate) rank: u8,
}

impl Segment {
    /// Of one text.
    pub(crate) fn new(text: impl Into<String>, style: Style, rank: u8) -> Self {
        Self { spans: vec![Span::styled(text.into(), style)], rank }
    }

    /// Of several.
    pub(crate) fn of(spans: Vec<Span<'static>>, rank: u8) -> Self {
        Self { spans, rank }
    }

    fn width(&self) -> usize {
        self.spans.iter().map(|span| width(&span.content)).sum()
    }
}

/// How many cells pieces take with `gap` cells between them.
pub(crate) fn joined(segments: &[Segment], gap: usize) -> usize {
    segments.iter().map(Segment::width).sum::<usize>() + gap * segments.len().saturating_sub(1)
}

/// Joins pieces with `gap` cells between them, leaving out the highest ranks until they fit.
pub(crate) fn join(mut segments: Vec<Segment>, gap: usize, size: usize) -> Line<'static> {
    while joined(&segments, gap) > size {
        let most = segments.iter().map(|segment| segment.rank).max().unwrap_or(0);
        if most == 0 {
            break;
        }
        if let Some(at) = segments.iter().rposition(|segment| segment.rank == most) {
            segments.remove(at);
        }
    }
    let mut line = Line::default();
    for (index, segment) in segments.into_iter().enumerate() {
        if index > 0 {
            line.push_span(Span::raw(" ".repeat(gap)));
        }
        line.spans.extend(segment.spans);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_important_gives_way() {
        let line = |size| {
            let piece = |text: &str, rank| Segment::new(text, Style::default(), rank);
            join(vec![piece("name", 0), piece("more", 2), piece("least", 9), piece("end", 1)], 1, size).to_string()
        };
        assert_eq!(line(40), "name more least end");
        assert_eq!(line(15), "name more end");
        assert_eq!(line(8), "name end");
        assert_eq!(line(3), "name");
    }
}
