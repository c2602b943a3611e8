//! The primitives of the concurrent core, in one place, so that `tests/schedules.rs` can put others there.
//!
//! Ordinarily this is nothing but re-exports. With the feature `shuttle` the same names are [shuttle]'s primitives, under
//! which one thread runs at a time and a scheduler decides at every operation which one goes on: the real engine then runs
//! under thousands of schedules, and one that fails is printed and can be repeated.
//!
//! Not here, as they have no schedule to speak of: `Arc`, `OnceLock` (set once, never waited for), counters that are only
//! shown, and the future-side `oneshot` of tokio, which works with any executor.
//!
//! [shuttle]: https://docs.rs/shuttle

#[cfg(not(feature = "shuttle"))]
mod real {
    pub(crate) use std::sync::{atomic, mpsc};
    pub(crate) use std::thread;

    pub(crate) use arc_swap::ArcSwap;
    pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard, RwLock};
    pub(crate) use tokio::sync::Notify;
}
#[cfg(feature = "shuttle")]
mod scheduled;

#[cfg(not(feature = "shuttle"))]
pub(crate) use real::*;
#[cfg(feature = "shuttle")]
pub(crate) use scheduled::*;

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { sources(&path, found) } else { found.push(path) }
        }
    }

    #[test]
    fn nobody_waits_for_what_the_scheduler_does_not_know() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = Vec::new();
        sources(&here, &mut found);
        // Tests have threads of their own.
        let is_test = |path: &Path| path.iter().any(|part| part == "tests" || part == "tests.rs");
        found.retain(|path| !path.starts_with(here.join("sync")) && !is_test(path));
        for path in found {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for banned in ["parking_lot::", "std::sync::mpsc", "std::thread", "tokio::sync::Notify"] {
                let around = code.lines().find(|line| line.contains(banned) && !line.contains("crate::sync"));
                assert_eq!(around, None, "{}: take it from crate::sync", path.display());
            }
        }
    }
}
