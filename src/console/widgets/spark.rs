//! A line of small columns.

const COLUMNS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The last `size` values as columns against the largest of them; a zero is a space.
pub(crate) fn columns(values: &[u64], size: usize) -> String {
    let shown = values.get(values.len().saturating_sub(size)..).unwrap_or_default();
    let top = shown.iter().copied().max().unwrap_or(0).max(1);
    shown.iter().map(|value| column(*value, top)).collect()
}

fn column(value: u64, top: u64) -> char {
    if value == 0 {
        return ' ';
    }
    let step = u128::from(value) * (COLUMNS.len() as u128 - 1) / u128::from(top);
    COLUMNS.get(usize::try_from(step).unwrap_or(0)).copied().unwrap_or('█')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_relative_to_the_highest() {
        assert_eq!(columns(&[0, 1, 7, 14], 4), " ▁▄█");
        assert_eq!(columns(&[9, 0, 7], 2), " █");
        assert_eq!(columns(&[], 4), "");
        assert_eq!(columns(&[u64::MAX], 4), "█");
    }
}
