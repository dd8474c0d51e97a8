//! Medians and percentiles. No means: one preempted pass would carry them off.

/// The middle value; 0 when there is none.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    Sorted::new(values).quantile(0.5)
}

/// Values in ascending order.
#[derive(Clone, Debug)]
pub struct Sorted(Vec<f64>);

impl Sorted {
    /// Sorts the values.
    pub fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    /// The value below which a share of `q` of all values lies (nearest rank; 0 when there are none).
    pub fn quantile(&self, q: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let index = (last as f64 * q).round() as usize;
        self.0.get(index.min(last)).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_there() {
        let sorted = Sorted::new([5.0, 1.0, 4.0, 2.0, 3.0]);
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|q| sorted.quantile(q)), [1.0, 3.0, 5.0, 5.0]);
        assert_eq!(median([]), 0.0);
    }
}
