//! Pauses between attempts: exponential, with jitter, bounded.

use std::time::Duration;

use tokio::time::Instant;

/// How to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The pause after the first failure, before jitter; it doubles with each further one.
    pub pause_first: Duration,
    /// The longest pause.
    pub pause_max: Duration,
    /// How long to go on without any progress.
    pub give_up_after: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            pause_first: Duration::from_millis(50),
            pause_max: Duration::from_secs(5),
            give_up_after: Duration::from_secs(120),
        }
    }
}

/// The state of one sequence of attempts.
#[derive(Debug)]
pub(crate) struct Backoff {
    retry: Retry,
    failure_count: u32,
    progressed_at: Instant,
}

impl Backoff {
    pub(crate) fn new(retry: Retry) -> Self {
        Self { retry, failure_count: 0, progressed_at: Instant::now() }
    }

    /// Something succeeded: the next failure counts as the first.
    pub(crate) fn progressed(&mut self) {
        self.failure_count = 0;
        self.progressed_at = Instant::now();
    }

    /// Waits before the next attempt, or says how long nothing succeeded once that is too long.
    pub(crate) async fn pause(&mut self) -> Result<(), Duration> {
        let waited = self.progressed_at.elapsed();
        if waited >= self.retry.give_up_after {
            return Err(waited);
        }
        let ceiling = self.ceiling();
        self.failure_count = self.failure_count.saturating_add(1);
        // Full jitter: clients that were throttled together do not return together.
        tokio::time::sleep(ceiling.mul_f64(fastrand::f64())).await;
        Ok(())
    }

    fn ceiling(&self) -> Duration {
        let factor = 2_u32.checked_pow(self.failure_count).unwrap_or(u32::MAX);
        self.retry.pause_first.saturating_mul(factor).min(self.retry.pause_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let retry = Retry {
            pause_first: Duration::from_millis(10),
            pause_max: Duration::from_millis(35),
            give_up_after: Duration::from_secs(1),
        };
        let mut backoff = Backoff::new(retry);
        let mut ceilings = Vec::new();
        for failure_count in [0, 1, 2, 3, 100] {
            backoff.failure_count = failure_count;
            ceilings.push(backoff.ceiling().as_millis());
        }
        assert_eq!(ceilings, [10, 20, 35, 35, 35]);
    }

    #[tokio::test]
    async fn gives_up_when_nothing_progressed_for_too_long() {
        let retry = Retry { give_up_after: Duration::ZERO, ..Retry::default() };
        assert!(Backoff::new(retry).pause().await.is_err());
    }
}
