//! Runs a scenario under many schedules.

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};

/// How many schedules of either kind a scenario runs under, unless `SCHEDULES` says otherwise.
const SCHEDULES: usize = 300;
/// At so many points, at most, a thread is overtaken that would otherwise go on.
const CHANGES: usize = 3;

/// Runs `scenario` at random and by priorities. Everything it starts must have ended when it returns.
pub(crate) fn explore(scenario: impl Fn() + Send + Sync + Clone + 'static) {
    if let Ok(schedule) = std::env::var("SCHEDULE") {
        shuttle::replay(scenario, &schedule);
        return;
    }
    let count = std::env::var("SCHEDULES").ok().and_then(|count| count.parse().ok()).unwrap_or(SCHEDULES);
    run(RandomScheduler::new(count), scenario.clone());
    run(PctScheduler::new(CHANGES, count), scenario);
}

fn run(scheduler: impl Scheduler + 'static, scenario: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    // A thread of the scenario runs redb, which takes more than the 32 KiB it would get.
    config.stack_size = 1 << 20;
    config.silence_warnings = true;
    Runner::new(scheduler, config).run(scenario);
}
