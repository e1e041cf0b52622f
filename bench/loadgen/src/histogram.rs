//! A log-linear histogram of nanoseconds: 64 steps to each doubling, so every answer is within 1.6 % of the truth.

const STEP_BITS: u32 = 6;
const STEPS: u64 = 1 << STEP_BITS;
const BUCKETS: usize = ((64 - STEP_BITS + 1) as usize) << STEP_BITS;

pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max_ns: u64,
}

impl Histogram {
    pub fn new() -> Histogram {
        Histogram {
            counts: vec![0; BUCKETS],
            total: 0,
            max_ns: 0,
        }
    }

    pub fn record(&mut self, ns: u64) {
        self.counts[bucket(ns)] += 1;
        self.total += 1;
        self.max_ns = self.max_ns.max(ns);
    }

    /// The value that a share `q` of all values does not exceed; 0 if there are none.
    pub fn quantile_ns(&self, q: f64) -> u64 {
        let rank = ((self.total as f64 * q).ceil() as u64).max(1);
        let mut below = 0;
        for (at, count) in self.counts.iter().enumerate() {
            below += count;
            if below >= rank {
                return ceiling(at).min(self.max_ns);
            }
        }
        0
    }

    /// A JSON object in microseconds.
    pub fn json(&self) -> String {
        let us = |ns: u64| ns as f64 / 1_000.0;
        format!(
            r#"{{"count":{},"p50_us":{:.1},"p90_us":{:.1},"p99_us":{:.1},"p999_us":{:.1},"max_us":{:.1}}}"#,
            self.total,
            us(self.quantile_ns(0.5)),
            us(self.quantile_ns(0.9)),
            us(self.quantile_ns(0.99)),
            us(self.quantile_ns(0.999)),
            us(self.max_ns),
        )
    }
}

fn bucket(ns: u64) -> usize {
    let exponent = (64 - ns.leading_zeros()).saturating_sub(STEP_BITS + 1);
    ((u64::from(exponent) << STEP_BITS) + (ns >> exponent)) as usize
}

/// Largest value of a bucket.
fn ceiling(at: usize) -> u64 {
    let at = at as u64;
    let exponent = (at >> STEP_BITS).saturating_sub(1);
    let step = at - (exponent << STEP_BITS);
    debug_assert!(step < 2 * STEPS);
    (((u128::from(step) + 1) << exponent) - 1).min(u128::from(u64::MAX)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_falls_into_a_bucket_that_ends_within_two_percent() {
        for shift in 0..63 {
            for ns in [
                1_u64 << shift,
                (1 << shift) + (1 << shift) / 3,
                (2_u64 << shift) - 1,
            ] {
                let end = ceiling(bucket(ns));
                assert!(
                    end >= ns && end as f64 <= ns as f64 * 1.02 + 1.0,
                    "{ns} -> {end}"
                );
                assert!(bucket(ns) < BUCKETS);
            }
        }
    }

    #[test]
    fn quantiles_of_a_ramp() {
        let mut histogram = Histogram::new();
        (1..=1000).for_each(|us| histogram.record(us * 1_000));
        let p99 = histogram.quantile_ns(0.99);
        assert!((990_000..=1_010_000).contains(&p99), "{p99}");
        assert_eq!(histogram.quantile_ns(1.0), 1_000_000);
    }
}
